"""Chinese lyrics for measuring the singing of songs. The singing may be tuned on `TUNING`, never on `HELD_OUT`."""

_PLAYGROUND = """[verse]
早晨的风吹过操场
书包里装着旧口琴
我们说好一起去远方
把名字写在车窗上
[chorus]
跑过山跑过河
跑到天边唱首歌
跑过山跑过河
星星都在等着我
"""

_SNOW = """[verse]
夜里下了一场大雪
屋檐的灯还没有灭
你的脚印通向桥边
我在门口站了很久
[chorus]
春天会来吗
你会回来吗
春天会来吗
请给我一句话
"""

_TEAHOUSE = """[verse]
老茶馆里坐满了人
窗外的船慢慢靠岸
爷爷讲起从前的事
我听着听着睡着了
[chorus]
江水流啊流
带走多少愁
江水流啊流
月亮照心头
"""

_SPARROW = """[verse]
清晨的雾还没有散去
巷口的面馆刚刚开门
我背着吉他走过长街
想起你那年说的话
[chorus]
飞吧飞吧像一只鸟
越过高山越过海洋
飞吧飞吧不要回头
我会一直在你身旁
"""

_RAIN = """[verse]
雨落在玻璃窗上
像谁轻轻敲着门
咖啡凉了你没有来
电话也一直没有响
[chorus]
爱情是一场大雨
淋湿了所有的梦
爱情是一场大雨
醒来只剩下风
"""

_GRANDMOTHER = """[verse]
外婆种的那棵桃树
今年又开满了花
小狗趴在门前晒太阳
日子过得慢慢悠悠
[chorus]
回家吧回家吧
灶上的汤已经热了
回家吧回家吧
弟弟妹妹都在等你
"""

_NEON = """[verse]
霓虹灯照亮了整座城市
人群里我找不到方向
耳机里的歌放了一遍又一遍
眼泪不知不觉流下来
[chorus]
我要快乐我要自由
我要唱到天亮为止
我要快乐我要自由
管他明天会怎么样
"""

_UMBRELLA = """[verse]
青石板上雨纷纷
一把纸伞半边身
桥头相遇不相识
只记当时那个人
[chorus]
问君何时归
梅花落满杯
问君何时归
空留月色美
"""

_TRAIN = """[verse]
火车穿过金色麦田
广播放着旧的情歌
你靠着我的肩膀睡着
窗外的云像棉花糖
[chorus]
就这样走到世界尽头
就这样牵着你的手
不管前面有多少风雨
有你就什么都不怕
"""

_SHOP = """[verse]
凌晨三点的便利店
热牛奶冒着白烟
陌生人推门又离开
铃声响了两三遍
[chorus]
别怕黑 别怕黑
天总会一点点亮
别怕黑 别怕黑
把手放在我手上
"""

_STEPPE = """[verse]
草原的风吹低了草
羊群像云慢慢地飘
骑马的少年不知道
远方的姑娘在微笑
[chorus]
马儿马儿你快些跑
带我回到她的怀抱
马儿马儿你快些跑
太阳落山就来不及了
"""

_CLASSROOM = """[verse]
考试的卷子发下来
同桌偷偷看着窗外
粉笔灰落在讲台
夏天的蝉叫个不停
[chorus]
再见了我的教室
再见了我的青春
黑板上写满名字
谁也没有擦干净
"""

_SNAIL = """[verse]
小蜗牛背着房子
走过长长的墙
小蚂蚁搬着面包
问它要去什么地方
[chorus]
慢慢走 慢慢走
不用着急赶时间
慢慢走 慢慢走
前面有一朵向日葵
"""

_PAVILION = """[verse]
长亭外柳色青青
杯中酒映着月明
此去千里无归期
唯有琴声送君行
[chorus]
一曲离歌泪两行
山高水远路茫茫
他年若问相思处
半在江南半在乡
"""

_WHEEL = """[verse]
摩天轮停在最高的地方
整个城市都在发光
你说如果时间能倒退
我们会不会还是这样
[chorus]
心跳得太快 藏不住秘密
我想告诉你 我喜欢你
心跳得太快 藏不住秘密
请你不要笑 我是认真的
"""

_CELLAR = """[verse]
我从北方的小镇出来
口袋里只有两百块
地下室里没有窗台
梦想却比天还要宽
[chorus]
谁说我不行 谁说我不能
摔倒了我再爬起来
谁说我不行 谁说我不能
明天的舞台等着我
"""

_BEACH = """[verse]
海边的石头被晒得发烫
我们光着脚丫跑向浪
冰淇淋化在手心里
笑声传得很远很远
[chorus]
夏天夏天快跟我来
把烦恼都丢进大海
夏天夏天快跟我来
让阳光洒满胸怀
"""

_HOSPITAL = """[verse]
医院的走廊又白又长
妈妈睡得很安详
我握着她粗糙的手
想起她为我梳头的晚上
[chorus]
时间请你走慢一点
让我再多陪她几年
时间请你走慢一点
我还没有把爱说完
"""

_CAMERA = """[verse]
旧相机里的黑白照片
你穿着那件蓝色长裙
咖啡馆的角落坐着谁
钢琴弹着忧伤的旋律
[chorus]
如果爱是一首歌
请为我唱到最后
如果爱是一杯酒
我愿意醉到白头
"""

_TUNED = (_PLAYGROUND, _SPARROW, _RAIN, _GRANDMOTHER, _NEON, _UMBRELLA, _TRAIN)
_UNSEEN = (_SNOW, _TEAHOUSE, _SHOP, _STEPPE, _CLASSROOM, _SNAIL, _PAVILION, _WHEEL, _CELLAR, _BEACH, _HOSPITAL, _CAMERA)

TUNING = tuple(enumerate(_TUNED, 21))
HELD_OUT = tuple(enumerate(_UNSEEN, 901))
"""Pairs of a seed and lyrics; every style sings two of the texts, so that no single text decides a measure."""
