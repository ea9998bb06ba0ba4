"""Tables of the names of song sections in the languages in which lyrics are written."""

from types import MappingProxyType

from model.song import SectionKind

_SPELLINGS = {
    SectionKind.INTRO: "intro introduction prelude opening overture prologue introducción introdução einleitung "
    "vorspiel "
    "前奏 引子 序 序曲 序幕 开场 開場 开头 開頭 イントロ 인트로 전주",
    SectionKind.VERSE: "verse verses v vs part section stanza strophe couplet rap verso estrofa strofa kuplet "
    "куплет 主歌 "
    "正歌 说唱 說唱 "
    "念白 独白 獨白 旁白 朗诵 朗誦 aメロ 벌스 절 랩",
    SectionKind.PRE_CHORUS: "prechorus pre pc prehook prerefrain buildup build lift precoro prerefrão "
    "预副歌 預副歌 前副歌 导歌 導歌 副歌前 过渡 過渡 过渡段 過渡段 铺垫 bメロ 프리코러스",
    SectionKind.CHORUS: "chorus ch refrain refrains hook postchorus posthook refrein estribillo coro refrão "
    "refrao refräng "
    "ritornello kehrreim припев 副歌 高潮 合唱 叠歌 疊歌 サビ 大サビ 코러스 후렴 훅",
    SectionKind.BRIDGE: "bridge br middleeight middle8 puente ponte pont brücke бридж 桥 橋 桥段 橋段 桥歌 橋歌 "
    "过桥 過橋 "
    "cメロ ブリッジ 브릿지",
    SectionKind.INST: "inst instr instrumental instrumentalbreak interlude solo break breakdown drop riff jam "
    "turnaround "
    "intermezzo interludio zwischenspiel "
    "间奏 間奏 独奏 獨奏 器乐 器樂 纯音乐 純音樂 过门 過門 间奏曲 華彩 华彩 間奏曲 ソロ 간주",
    SectionKind.OUTRO: "outro ending end coda finale fadeout tag vamp epilogue closing postlude final fin "
    "schluss nachspiel "
    "尾奏 尾声 尾聲 尾 结尾 結尾 结束 結束 终章 終章 尾段 完 全文完 终曲 終曲 后奏 後奏 アウトロ 아웃트로 후주",
}
KINDS = MappingProxyType({name: kind for kind, names in _SPELLINGS.items() for name in names.split()})
"""Kinds of sections by name, in lower case and without spaces and hyphens."""

STRONG = frozenset(
    [
        "verse",
        "chorus",
        "prechorus",
        "postchorus",
        "bridge",
        "intro",
        "outro",
        "hook",
        "refrain",
        "interlude",
        "instrumental",
        "stanza",
        "estribillo",
        "主歌",
        "副歌",
        "前奏",
        "间奏",
        "間奏",
        "尾奏",
        "桥段",
        "橋段",
        "导歌",
        "導歌",
        "预副歌",
        "預副歌",
        "前副歌",
        "尾声",
        "尾聲",
        "副歌前",
    ]
)
"""Names that open a section even without brackets or a colon, because no line of a song equals one of them."""

NEAR_WORDS = MappingProxyType(
    {
        "verse": SectionKind.VERSE, "verses": SectionKind.VERSE, "stanza": SectionKind.VERSE, "rap": SectionKind.VERSE,
        "spoken": SectionKind.VERSE, "narration": SectionKind.VERSE, "monologue": SectionKind.VERSE,
        "part": SectionKind.VERSE, "freestyle": SectionKind.VERSE,
        "prechorus": SectionKind.PRE_CHORUS, "prehook": SectionKind.PRE_CHORUS, "buildup": SectionKind.PRE_CHORUS,
        "build": SectionKind.PRE_CHORUS,
        "chorus": SectionKind.CHORUS, "choruses": SectionKind.CHORUS, "refrain": SectionKind.CHORUS,
        "hook": SectionKind.CHORUS, "postchorus": SectionKind.CHORUS, "climax": SectionKind.CHORUS,
        "bridge": SectionKind.BRIDGE, "middle8": SectionKind.BRIDGE,
        "intro": SectionKind.INTRO, "introduction": SectionKind.INTRO, "prelude": SectionKind.INTRO,
        "opening": SectionKind.INTRO,
        "outro": SectionKind.OUTRO, "ending": SectionKind.OUTRO, "coda": SectionKind.OUTRO, "finale": SectionKind.OUTRO,
        "finish": SectionKind.OUTRO, "vamp": SectionKind.OUTRO,
        "solo": SectionKind.INST, "instrumental": SectionKind.INST, "interlude": SectionKind.INST,
        "break": SectionKind.INST, "breakdown": SectionKind.INST, "drop": SectionKind.INST, "riff": SectionKind.INST,
        "jam": SectionKind.INST,
    }
)  # fmt: skip
"""Words that indicate the kind of a section when they stand among other words ("sax solo", "final chorus")."""

NEAR_SIGNS = (
    ("副歌前", SectionKind.PRE_CHORUS), ("预副歌", SectionKind.PRE_CHORUS), ("預副歌", SectionKind.PRE_CHORUS),
    ("前副歌", SectionKind.PRE_CHORUS), ("导歌", SectionKind.PRE_CHORUS), ("導歌", SectionKind.PRE_CHORUS),
    ("副歌", SectionKind.CHORUS), ("主歌", SectionKind.VERSE),
    ("桥段", SectionKind.BRIDGE), ("橋段", SectionKind.BRIDGE),
    ("前奏", SectionKind.INTRO), ("间奏", SectionKind.INST), ("間奏", SectionKind.INST), ("尾奏", SectionKind.OUTRO),
    ("尾声", SectionKind.OUTRO), ("尾聲", SectionKind.OUTRO), ("结尾", SectionKind.OUTRO), ("結尾", SectionKind.OUTRO),
    ("独奏", SectionKind.INST), ("獨奏", SectionKind.INST), ("过门", SectionKind.INST), ("過門", SectionKind.INST),
    ("过渡", SectionKind.PRE_CHORUS), ("過渡", SectionKind.PRE_CHORUS), ("高潮", SectionKind.CHORUS),
    ("说唱", SectionKind.VERSE), ("說唱", SectionKind.VERSE), ("独白", SectionKind.VERSE), ("念白", SectionKind.VERSE),
    ("开场", SectionKind.INTRO), ("開場", SectionKind.INTRO), ("solo", SectionKind.INST), ("rap", SectionKind.VERSE),
    ("サビ", SectionKind.CHORUS), ("후렴", SectionKind.CHORUS), ("간주", SectionKind.INST),
)  # fmt: skip
"""Strings that indicate the kind of a section in scripts without spaces, the more specific strings first."""

NUMBERS = MappingProxyType(
    {name: str(number) for names in (
        "one two three four five six",
        "first second third fourth fifth sixth",
        "i ii iii iv v vi",
        "一 二 三 四 五 六 七 八 九 十",
    ) for number, name in enumerate(names.split(), start=1)}
)  # fmt: skip
"""Numbers in digits, by their words."""

LETTERS = MappingProxyType(
    {"a": SectionKind.VERSE, "b": SectionKind.CHORUS, "c": SectionKind.BRIDGE, "d": SectionKind.BRIDGE}
)
"""Kinds of sections named by a letter ("A段", "Part B"), as songs are usually lettered."""

FUNCTION_WORDS = frozenset(
    [
        "to",
        "into",
        "the",
        "a",
        "an",
        "of",
        "it",
        "out",
        "down",
        "up",
        "and",
        "then",
        "from",
        "like",
        "as",
        "is",
        "are",
        "on",
        "at",
        "for",
        "this",
        "that",
        "no",
        "slowly",
    ]
)
"""Words that no section name contains; a text with such a word is a stage direction ("building to the chorus")."""
