"""Chinese characters with several readings, where lyrics need another one than the pinyin dictionary gives.

Readings are pinyin with a tone digit before any sandhi; patterns are matched against simplified characters.
"""

import itertools
import re
from collections.abc import Iterator, Sequence

_PHRASES = (
    "重来=chong2 lai2,重复=chong2 fu4,重现=chong2 xian4,重写=chong2 xie3,重游=chong2 you2,重见=chong2 jian4,"
    "重唱=chong2 chang4,重活=chong2 huo2,重拾=chong2 shi2,重燃=chong2 ran2,重归=chong2 gui1,都会=dou1 hui4,"
    "大都会=da4 du1 hui4,音乐=yin1 yue4,落下=luo4 xia4,落了=luo4 le5,落在=luo4 zai4,数星星=shu3 xing1 xing1,"
    "数着=shu3 zhe5,数到=shu3 dao4,数了=shu3 le5,数过=shu3 guo4,数不=shu3 bu4,细数=xi4 shu3,嗯=en5,"
    "舍不得=she3 bu4 de5,恨不得=hen4 bu4 de5,巴不得=ba1 bu4 de5,怪不得=guai4 bu4 de5,由不得=you2 bu4 de5,"
    "记不得=ji4 bu4 de5,了解=liao2 jie3,耳朵=er3 duo5,不得了=bu4 de2 liao3,了不得=liao3 bu4 de2,"
    "忘不了=wang4 bu4 liao3,觉得=jue2 de5,睡觉=shui4 jiao4,缘分=yuan2 fen4,身分=shen1 fen4,过分=guo4 fen4,"
    "天分=tian1 fen4,福分=fu2 fen4,名分=ming2 fen4,情分=qing2 fen4,本分=ben3 fen4,果实累累=guo3 shi2 lei2 lei2,"
    "硕果累累=shuo4 guo3 lei2 lei2,商量=shang1 liang5,打量=da3 liang5,照片=zhao4 pian4,相片=xiang4 pian4,"
    "倒数=dao4 shu3,成为=cheng2 wei2,以为=yi3 wei2,作为=zuo4 wei2,因为=yin1 wei4,化为=hua4 wei2,变为=bian4 wei2,"
    "沦为=lun2 wei2,为敌=wei2 di2,为伴=wei2 ban4,为邻=wei2 lin2,为证=wei2 zheng4,为荣=wei2 rong2,为止=wei2 zhi3,"
    "为难=wei2 nan2,为王=wei2 wang2,执着=zhi2 zhuo2,着急=zhao2 ji2,着迷=zhao2 mi2,着魔=zhao2 mo2,着凉=zhao2 liang2,"
    "着慌=zhao2 huang1,归还=gui1 huan2,偿还=chang2 huan2,还给=huan2 gei3,还债=huan2 zhai4,还清=huan2 qing1,"
    "还乡=huan2 xiang1,还不清=huan2 bu4 qing1,还得清=huan2 de5 qing1,还不起=huan2 bu4 qi3,"
    "有借有还=you3 jie4 you3 huan2,唱和=chang4 he4,应和=ying4 he4,附和=fu4 he4,暖和=nuan3 huo5,宝藏=bao3 zang4,"
    "当真=dang4 zhen1,姐姐=jie3 jie5,奶奶=nai3 nai5,嫂嫂=sao3 sao5,正中下怀=zheng4 zhong4 xia4 huai2,"
    "同行=tong2 xing2,烧着了=shao1 zhao2 le5,数一数=shu3 yi1 shu3,长相思=chang2 xiang1 si1,"
    "长相守=chang2 xiang1 shou3,长相忆=chang2 xiang1 yi4,长相伴=chang2 xiang1 ban4,应声=ying4 sheng1,"
    "朝九晚五=zhao1 jiu3 wan3 wu3,得过下去=dei3 guo4 xia4 qu4,人生长=ren2 sheng1 chang2,一生长=yi1 sheng1 chang2,"
    "长河=chang2 he2,行囊=xing2 nang2,大夫=dai4 fu5,"
    "士大夫=shi4 da4 fu1,独在异乡为=du2 zai4 yi4 xiang1 wei2,一了百了=yi1 liao3 bai3 liao3,"
    "竹篮打水=zhu2 lan2 da3 shui3"
)
_MANNERS = (
    "孤单 温暖 紧张 惊讶 惊慌 自豪 自信 清醒 灿烂 满足 幸运 愤怒 寂静 真切 深切 "
    "温柔 疯狂 勇敢 用力 安静 孤独 快乐 幸福 寂寞 骄傲 自由 固执 认真 努力 拼命 不停 不断 不住 不觉 不安 深情 尽情 "
    "无情 无声 无尽 无悔 无助 无奈 无畏 无力 热烈 热情 大声 小声 轻声 低声 开心 伤心 小心 真心 痴心 粗心 耐心 放心 "
    "安心 专心 甜蜜 坚强 坚定 坚决 残忍 残酷 偷偷摸摸 匆忙 仓促 慌张 从容 优雅 美丽 骤然 忽然 突然 悄然 黯然 安然 "
    "依然 坦然 毅然 悠然 默然 猛然 蓦然 傻傻 激动 兴奋 高兴 愉快 欢快 痛快 痛苦 沉默 沉重 沉静 平静 冷静 宁静 冷漠 "
    "冷酷 冷冷 迷茫 茫然 天真 单纯 简单 随意 任性 放肆 肆意 狂野 奋力 奋勇 奋不顾身 义无反顾 毫不犹豫 毫无保留 "
    "一次次 一遍遍 一步步 一天天 一点点 一声声 一遍又一遍 一次又一次 永远 永久 长久 持续 反复 来回 迅速 飞快 缓慢 "
    "仔细 细心 贪婪 贪心 虔诚 真诚 真挚 诚恳 诚实 清楚 清晰 模糊 朦胧 自然 自在 自私 倔强 顽强 任意 盲目 无知 无私 "
    "无限 无止境 不经意 不由自主 不知不觉 不自觉 下意识 情不自禁 心甘情愿 依依不舍 小心翼翼 欢乐 忧伤 悲伤 哀伤 失落 "
    "疲惫 疲倦 苦苦 绝望 奇妙 神奇 神秘 意外 尴尬 害羞 羞涩 狼狈 卑微 渺小 伟大 彻底 深刻 强烈 剧烈 猛烈 激烈 狠心 "
    "残缺 完整 完美 浪漫 潇洒 洒脱 豪迈 豪放 大胆 胆怯 软弱 脆弱 执着 莫名 莫名其妙 公开 秘密 偷偷 独自 勤劳 辛勤 "
    "辛苦 艰难 困难 容易 轻易 轻松 轻柔 轻盈 轻快 迫切 急切 焦急 着急 平凡 平淡 淡然 欣然 漫无目的 不顾一切 有意 "
    "故意 无意 刻意 特意"
)
"""Adverbs of manner, after which 地 is a particle."""

_COUNTED = "一二两三四五六七八九十百千万几数半每双"
_CONTEXTS = (
    (rf"(?<=[{_COUNTED}])行(?![人走为程车动李星])", "hang2"),
    (rf"(?<=[{_COUNTED}])重(?![量要视大点伤生])", "chong2"),
    (rf"(?<=[{_COUNTED}这那哪])种", "zhong3"),
    (rf"(?<![{_COUNTED}这那哪各某何多])种(?=[下在过了出着满花树菜草豆田]|[一两][棵颗片朵株])", "zhong4"),
    (rf"(?<=[{_COUNTED}哪])(?<!唯一)(?<!万一)只(?![有要是能会])", "zhi1"),
    ("(?<=[猜射打击命看选说砸刺])中(?![国间心午秋途年的]|注定)", "zhong4"),
    ("(?<!心)中(?=[奖毒弹箭邪计招意]|了你?的?[奖毒弹箭邪计招])", "zhong4"),
    ("(?<=[我你他她们总就必非])得(?=[走去回做有先靠让把给往跟过])", "dei3"),
    ("(?<=[睡摸找见看够猜管碰抓遇用等])不着", "bu4 zhao2"),
    ("(?<=睡)着(?=了|的|$)", "zhao2"),
    ("(?<=[^从])着(?=[手眼重力色实风地]|落[下叶花日雨雪]|想[你我他她念起家象要]|火[光红焰]|急切|凉风)", "zhe5"),
    ("着(?=了[魔迷火凉慌])", "zhao2"),
    ("还(?=[你我他她](?:自由|一[个份段片生]|青春|清白|公道))", "huan2"),
    ("(?:(?<=睡.)|(?<=睡..)|(?<=[一懒午]))(?<![感知察发])觉(?![得悟])", "jiao4"),
    ("(?<=[头秀长短卷黑白银金红鬓理毛染剪披华])发(?![现生光育展热抖誓出亮])|发(?=[梢丝髻尾])", "fa4"),
    ("(?<![宗佛主请])教(?=[我你他她它人过])|(?<=[谁妈爸爷师])教(?![室堂育师书])|教(?=会[我你他她人])", "jiao1"),
    ("(?<![人一余今]生)(?<=[生成校队市班船部局酋增滋疯兄学师团院家助])长(?![长久夜河路发])", "zhang3"),
    ("转(?=圈|悠|来转去|个不停|[啊呀]转)|(?<=转来|转啊|转呀)转|(?<=团团|晕头|不停|停地)转|(?<=打)转", "zhuan4"),
    ("背(?=起|着?(?:书包|包|行囊|吉他|行李|篓|带|负))", "bei1"),
    ("(?<![看听见做办等找够猜料闻摸觉碰用拿买遇感])得到", "de2 dao4"),
    ("(?<=[看听见做办等找够猜料闻摸觉碰用拿买遇感])得到", "de5 dao4"),
    ("调(?=[成到高低整])", "tiao2"),
    ("数(?=一二|绵?羊|钱|拍|秒)", "shu3"),
    ("尽(?![管量快早可])", "jin4"),
    ("朝(?=[辞如发云暮霞])", "zhao1"),
    ("切(?=[开断成碎片])", "qie1"),
    ("系(?=[上着在紧住好])", "ji4"),
    ("盛(?=满|一[碗杯盘]|饭|汤|水|不下|酒|进|着)", "cheng2"),
    ("(?<![夜路发日太])长(?=[大出高满成在得着了])", "zhang3"),
    ("(?<=[走忘受改变回做到等陪治救管留逃])得了(?!解)", "de5 liao3"),
)
"""What is around a character, and its reading there."""

_LONE = {
    "曲": "qu3",
    "弹": "tan2",
    "片": "pian4",
    "落": "luo4",
    "薄": "bo2",
    "铺": "pu1",
    "长": "chang2",
    "嚼": "jiao2",
}
"""Usual readings in songs of characters that stand in no word of the dictionary."""

_PARTICLE_DE = re.compile("(?<=[^我你他她们总就必非不求难])得(?![到了知以失意胜分名道奖罪救逞手体病逢])")
_DOUBLED_ADVERB = re.compile(r"(.)\1地(?![方图带球])")
_ADVERB = re.compile(rf"(?:{'|'.join(_MANNERS.split())})地(?![方图带球])")
_PHRASE_READINGS = dict(phrase.split("=") for phrase in _PHRASES.split(","))
_PHRASE = re.compile("|".join(sorted(_PHRASE_READINGS, key=len, reverse=True)))
_PATTERNS = tuple((re.compile(pattern), reading.split()) for pattern, reading in _CONTEXTS)


def corrected(words: Sequence[str], readings: Sequence[str]) -> list[str]:
    """The readings, one for each character of the `words` that the dictionary divides a line into, set right."""
    line = "".join(words)
    right = list(readings)
    for place in _lone(words):
        right[place] = _LONE.get(line[place], right[place])
        if _PARTICLE_DE.match(line, place):
            right[place] = "de5"
    for pattern, reading in _PATTERNS:
        for match in pattern.finditer(line):
            right[match.start() : match.end()] = reading
    for match in _PHRASE.finditer(line):
        right[match.start() : match.end()] = _PHRASE_READINGS[match.group()].split()
    for match in itertools.chain(_DOUBLED_ADVERB.finditer(line), _ADVERB.finditer(line)):
        right[match.end() - 1] = "de5"
    return right


def _lone(words: Sequence[str]) -> Iterator[int]:
    """Places of the characters that are words by themselves."""
    place = 0
    for word in words:
        if len(word) == 1:
            yield place
        place += len(word)
