"""Lyrics for measuring composed scores. The composer may be tuned on `TUNING`, never on `HELD_OUT`."""

from collections.abc import Mapping

_STATION = """[verse]
站台的灯照着旧行李
你把围巾轻轻系好
火车还有十分钟到
我们都没有说再见
[chorus]
等雪停了我就回来
等雪停了我就回来
带一把故乡的泥土
把院子种满了花
[verse]
信写了一半又折起
窗外的树又高一点
邻居的猫睡在门边
像从前的每个冬天
[chorus]
等雪停了我就回来
等雪停了我就回来
带一把故乡的泥土
把院子种满了花
[bridge]
如果路太远
就慢慢地走
"""

_LAKE = """[verse]
湖上清风吹柳绿
一叶扁舟过石桥
白鹭低飞云影里
渔歌唱晚月初高
[chorus]
月初高 照我归途
月初高 照我归途
"""

_CITY = """[verse]
早上的闹钟响了三遍我还在做梦
地铁里的人都低着头看着手机
咖啡洒在新买的白衬衫上
老板又说今晚要加班
[pre-chorus]
可是我不想这样
[chorus]
给我一点时间
让我去看海
给我一点时间
让我去看海
[verse]
办公室的空调开得像个冰箱
朋友圈里大家都在晒着阳光
我把辞职信写好又放进抽屉里
下班的路上买了一束向日葵
[pre-chorus]
明天会不会不一样
[chorus]
给我一点时间
让我去看海
给我一点时间
让我去看海
"""

_HARBOUR = """[verse]
灯塔在夜里一闪一闪
海风把头发吹得很乱
你说过的那些话
我都还记得清楚
[chorus]
别让我一个人走到天亮
别让我一个人走到天亮
潮水带走了脚印
带不走你的名字
[verse]
码头的船都回来了
酒馆里有人在唱歌
我数着口袋里的贝壳
一颗一颗都是昨天
[chorus]
别让我一个人走到天亮
别让我一个人走到天亮
潮水带走了脚印
带不走你的名字
"""

_AUTUMN = """[verse]
寒山一带枫如火
独倚高楼望雁归
旧燕不知人已远
黄花满地为谁飞
[chorus]
为谁飞呀为谁飞
一杯浊酒不成醉
为谁飞呀为谁飞
且将心事付流水
"""

_FROG = """[verse]
池塘里有一只小青蛙
鼓着肚子叫呱呱
下雨天它最快乐
荷叶当作一把伞
[chorus]
跳一跳 呱呱呱
跳一跳 呱呱呱
大家一起来数一数
池塘里有几个家
[verse]
太阳出来晒一晒
蜻蜓飞过来玩耍
妈妈叫它回家吃饭
它说再玩一会儿吧
[chorus]
跳一跳 呱呱呱
跳一跳 呱呱呱
大家一起来数一数
池塘里有几个家
[outro]
晚安小青蛙
"""

TUNING: Mapping[str, str] = {"station": _STATION, "lake": _LAKE, "city": _CITY}
HELD_OUT: Mapping[str, str] = {"harbour": _HARBOUR, "autumn": _AUTUMN, "frog": _FROG}
"""Lyrics by name that must not be used for tuning. Like `TUNING`: a pop song, a quatrain with lines of seven characters
and a refrain, and a third form.
"""

TUNING_SEEDS = (11, 12, 13)
HELD_OUT_SEEDS = (701, 702, 703)

STYLES: Mapping[str, str] = {
    "pop": "upbeat pop",
    "ballad": "pop ballad, violin, 女声",
    "rock": "rock",
    "lofi": "lo-fi hip hop",
    "folk": "民谣, flute",
    "guofeng": "古风, 笛子",
    "dance": "electronic dance",
    "rnb": "R&B",
    "jazz": "jazz, saxophone",
    "children": "儿歌",
    "cinematic": "cinematic, cello",
    "hip hop": "hip hop, rap",
}
SOLOISTS = frozenset({"ballad", "folk", "guofeng", "jazz", "cinematic"})
"""Styles whose prompt names an instrument that plays the melody."""

SECONDS = (90.0, 60.0, 120.0)
"""Length in seconds of the song on each of the three texts."""
