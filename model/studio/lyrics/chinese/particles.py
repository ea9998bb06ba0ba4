"""Chooses the pinyin reading of the characters 地 and 得, which are particles in some positions and parts of other
words elsewhere.
"""

import re
from collections.abc import Container

_MANNERS = (
    "孤单 温暖 紧张 惊讶 惊慌 自豪 自信 清醒 灿烂 满足 幸运 愤怒 寂静 真切 深切 温柔 疯狂 勇敢 用力 安静 孤独 "
    "快乐 幸福 寂寞 骄傲 自由 固执 认真 努力 拼命 不停 不断 不住 不觉 不安 深情 尽情 无情 无声 无尽 无悔 无助 "
    "无奈 无畏 无力 热烈 热情 大声 小声 轻声 低声 开心 伤心 小心 真心 痴心 粗心 耐心 放心 安心 专心 甜蜜 坚强 "
    "坚定 坚决 残忍 残酷 匆忙 仓促 慌张 从容 优雅 美丽 激动 兴奋 高兴 愉快 欢快 痛快 痛苦 沉默 沉重 沉静 平静 "
    "冷静 宁静 冷漠 冷酷 迷茫 天真 单纯 简单 随意 任性 放肆 肆意 狂野 奋力 奋勇 永远 永久 长久 持续 反复 来回 "
    "迅速 飞快 缓慢 仔细 细心 贪婪 贪心 虔诚 真诚 真挚 诚恳 诚实 清楚 清晰 模糊 朦胧 自在 自私 倔强 顽强 任意 "
    "盲目 无知 无私 无限 无止境 不经意 不自觉 下意识 欢乐 忧伤 悲伤 哀伤 失落 疲惫 疲倦 绝望 奇妙 神奇 神秘 意外 "
    "尴尬 害羞 羞涩 狼狈 卑微 渺小 伟大 彻底 深刻 强烈 剧烈 猛烈 激烈 狠心 残缺 完整 完美 浪漫 潇洒 洒脱 豪迈 "
    "豪放 大胆 胆怯 软弱 脆弱 执着 莫名 公开 秘密 独自 勤劳 辛勤 辛苦 艰难 困难 容易 轻易 轻松 轻柔 轻盈 轻快 "
    "迫切 急切 焦急 着急 平凡 平淡 有意 故意 无意 刻意 特意 用心 绝情 苦涩 炽热 笨拙 随口 不由 大口 大步 一心 "
    "使劲 拼劲 倾情 忘情 纵情 多情 薄情 温情 痴情 热切 恳切 殷切 亲切 关切 迷恋 眷恋 留恋 不舍 不甘 不屑 不懈 "
    "不倦 默契 默许 无比 无端 无端端 无故 无意识 毫无 顽皮 调皮 俏皮 淘气 羞怯 胆小 害怕 恐惧 惊恐 惶恐 恐慌 "
    "慌乱 凌乱 混乱 杂乱 零乱 肆无忌惮 赤裸 赤诚 坦诚 坦白 坦率 直接 直白 率真 率性 洁白 雪白 苍白 明亮 闪亮 "
    "响亮 嘹亮 高亢 悠长 悠扬 悠闲 悠远 深远 深沉 深邃 厚重 凝重 凄凉 凄美 凄惨 悲凉 悲壮 悲惨 悲痛 沉痛 心痛 "
    "心疼 怜惜 怜爱 疼爱 和谐 和平 和睦 和善 友好 友善 友爱 善良 慈祥 安详 安稳 安宁 平稳 平等 公平 公正 正确 "
    "错误 准确 精确 精准 准时 按时 及时 适时 随时 即时 瞬间 突兀 惊险 危险 冒险 惊奇 好奇 诧异 疑惑 困惑 迷惑 "
    "犹豫 迟疑 果断 果敢 英勇 勇猛 凶猛 凶狠 狠毒 恶狠狠 恶毒 恶意 善意 好意 任劳任怨 全力 竭力 极力 尽力 大力 "
    "强力 有力 无法 强行 强迫 勉强 被迫 主动 被动 自发 自动 生动 感动 冲动 躁动 激昂 昂扬 高傲 高贵 高尚 尊贵 "
    "尊敬 恭敬 恭谨 谨慎 慎重 郑重 庄重 隆重 严肃 严厉 严格 严重 严谨 温顺 温和 温馨 柔软 柔和 柔情 柔美 秀气 "
    "文静 娴静 恬静 幽静 幽怨 哀怨 哀愁 忧郁 忧愁 发愁 发狂 癫狂 狂热 火热 灼热 滚烫 冰冷 寒冷 冷淡 冷清 清冷 "
    "清澈 纯真 纯粹 纯净 干净 干脆 利落 爽快 畅快 漫无目的 毫不犹豫 毫无保留 不知疲倦 欢畅 舒畅 舒服 舒适 惬意 "
    "得意 满意 满怀 充满 饱满 丰富 富足 频繁 频频 连续 陆续 不间断 间断 断续 断断续续"
)
"""Adverbs of manner, after which 地 is a particle in any context."""

_ADVERB = re.compile(
    r"(?:(.)\1|(.)(.)\3|一(.)又?一\4|(?:(.)(.)\5\6)|[一不无半又越有没自左东大千万百似若](.)[一不无半又越有没自右西小万千百似若]."
    r"|也不.|也没.|如此|[这那]般|[这那多]么|[一这那]样|一般|[似般样然]|"
    + "|".join(sorted(_MANNERS.split(), key=len, reverse=True))
    + ")$"
)
_GROUND_AFTER = re.compile(
    "地(?:[方图球铁震狱位]|老天荒|久天长|动山摇|大物博|利人和|广人稀|带(?![走来给着回去上你我他她])|[上下里](?:$|[的有是还也都就没一只]))"
)
_NOUN_BEFORE = re.compile(
    "(?:^|[这那此某各满半整该本异外他内每两]|(?<![实自潜不存])在|[之的了着过]|(?<![一])一|散落一|[一二两三四五六七八九十几]块"
    "|[随席扫落坠跪触贴拖席就离入倒着种耕犁占割买卖租守夺拓])$"
)
_NO_PARTICLE_DE = re.compile(
    "得(?=[到知以失意胜分名道奖罪救逞手体病益宠势偿]|了(?:什么|[一这那]?[场种]?[^，。]{0,2}病|奖|感冒))"
)
_REACHED_BEFORE = re.compile("[看听见做办等找够猜料闻摸觉碰用拿买遇感触吃喝受收想]$")
_PRONOUN_BEFORE = re.compile("(?:[我你您他她它咱谁]们?|[总就必非也都还又真只可迟早终先])$")
_GAIN_BEFORE = re.compile("[复非求难取获赢博争夺所偶只愿安哪换觅寻讨赚修贪使]$")
_MODAL_AFTER = re.compile("得(?:知道|明白|意识到)|得(?![了过很不多那这太如像有点起清完到知意以])(?=.)")
_MUST_AT_START = re.compile("得(?=[加走去回先多让靠给把好赶抓学找想])")
_MUST_AFTER_THIS = re.compile("得(?=[多花等看问要靠有])")
_REACH = 5


def follows_adverb(line: str, place: int, idioms: Container[str]) -> bool:
    """Return True if the 地 at index `place` is the particle "de" after an adverb.

    Args:
        line: simplified characters without anything between them.
        place: index of the 地 in the line.
        idioms: words of the dictionary; a word of four characters or more before 地 counts as an adverb.
    """
    before = line[max(place - _REACH, 0) : place]
    return not _GROUND_AFTER.match(line, place) and (_ADVERB.search(before) is not None or before[-4:] in idioms)


def reading_of_particle(line: str, place: int, lone: bool) -> str | None:
    """Return the pinyin reading of the 地 or 得 at index `place`; `None` where the dictionary's reading applies.

    Args:
        line: simplified characters without anything between them.
        place: index of the 地 or 得 in the line.
        lone: True if no word of the dictionary in this line contains the character.
    """
    if not lone:
        return None
    return _di_or_de(line, place) if line[place] == "地" else _de_or_dei(line, place)


def _di_or_de(line: str, place: int) -> str:
    before = line[max(place - _REACH, 0) : place]
    return "di4" if _GROUND_AFTER.match(line, place) or _NOUN_BEFORE.search(before) else "de5"


def _de_or_dei(line: str, place: int) -> str | None:
    before = line[max(place - 3, 0) : place]
    if not before:
        return "dei3" if _MUST_AT_START.match(line, place) else None
    if _MUST_AFTER_THIS.match(line, place) and before[-1] in "这那":
        return "dei3"
    if _PRONOUN_BEFORE.search(before) and _MODAL_AFTER.match(line, place):
        return "dei3"
    if _NO_PARTICLE_DE.match(line, place):
        return "de5" if line.startswith("得到", place) and _REACHED_BEFORE.search(before) else "de2"
    return "de2" if _GAIN_BEFORE.search(before) else "de5"
