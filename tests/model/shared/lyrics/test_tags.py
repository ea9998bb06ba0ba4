"""Tests that section tags in lyrics are recognised under many names and spellings, and that other texts in brackets are
not taken for tags.
"""

from model.shared.lyrics.singers import Singer
from model.shared.lyrics.tags import Heading, Remark, Repetition, read_tag, section_kind
from model.song import SectionKind
from tests.support.table import table


@table(
    ("kind", "tags"),
    [
        (SectionKind.INTRO, "Intro|前奏|prelude|Soft Piano Intro|前奏：钢琴|Opening|イントロ"),
        (SectionKind.VERSE, "verse|Verse 2|verse2|VERSE #3|First Verse|Verse Two|V1|verse: soft|Rap Verse|Spoken Word"),
        (SectionKind.VERSE, "Verse 1, whispered|Narration|Part 2|Verso 1|1절"),
        (SectionKind.VERSE, "主歌|主歌一|主歌 2|主歌A|第二段主歌|A段|第一段|说唱|独白"),
        (SectionKind.PRE_CHORUS, "pre-chorus|Pre Chorus|prechorus 1|Build-Up|導歌|预副歌|副歌前|Bメロ"),
        (SectionKind.CHORUS, "chorus|Chorus II|hook|refrain|Final Chorus|Last Chorus|Epic Chorus|Post-Chorus|Climax"),
        (SectionKind.CHORUS, "副歌|最后副歌|副歌（合唱）|副歌 2遍|B段|Chorus - big drums|サビ|후렴|Estribillo"),
        (SectionKind.BRIDGE, "bridge|橋段|桥段|Middle 8|Emotional Bridge|C段|Puente"),
        (SectionKind.INST, "inst|instrumental|Interlude|guitar solo|Sax Solo|Breakdown|Bass Drop|Instrumental Break"),
        (SectionKind.INST, "间奏|間奏|吉他独奏|吉他solo"),
        (SectionKind.OUTRO, "outro|ending|End|Big Finish|Fade Out|Coda|尾奏|尾聲"),
    ],
)  # fmt: skip
def test_tags_are_known_by_many_names(kind: SectionKind, tags: str) -> None:
    assert {tag: section_kind(tag) for tag in tags.split("|")} == dict.fromkeys(tags.split("|"), kind)


@table(
    "tag",
    [
        "Crystalline acoustic guitar",
        "Fade out slowly",
        "building to the chorus",
        "Drums enter",
        "grape",
        "reverse guitar",
        "Title: Shore",
        "x" * 200,
    ],
)
def test_directions_are_remarks(tag: str) -> None:
    assert read_tag(tag) == Remark(tag)


@table(
    ("tag", "singer"),
    [
        ("male", Singer.MALE),
        ("Female Vocal", Singer.FEMALE),
        ("男", Singer.MALE),
        ("女声", Singer.FEMALE),
        ("Duet", Singer.ALL),
        ("Male & Female", Singer.ALL),
        ("男女合唱", Singer.ALL),
        ("Singer 2", Singer.SECOND),
    ],
)
def test_singers_are_known_by_many_names(tag: str, singer: Singer) -> None:
    assert read_tag(tag) is singer


@table(
    ("tag", "singer", "times", "again"),
    [
        ("Verse 1 (Female)", Singer.FEMALE, None, False),
        ("主歌 1（男）", Singer.MALE, None, False),
        ("Chorus: All", Singer.ALL, None, False),
        ("Chorus x2", None, 2, False),
        ("副歌（×3）", None, 3, False),
        ("副歌 两遍", None, 2, False),
        ("Repeat Chorus", None, None, True),
        ("副歌重复", None, None, True),
        ("Male Chorus (x2)", Singer.MALE, 2, False),
    ],
)
def test_a_tag_says_who_sings_and_how_often(tag: str, singer: Singer | None, times: int | None, again: bool) -> None:
    found = read_tag(tag)
    assert isinstance(found, Heading)
    assert (found.singer, found.times, found.again) == (singer, times, again)


@table(("tag", "times"), [("x2", 2), ("×3", 3), ("重复三遍", 3), ("repeat x4", 4), ("twice", 2)])
def test_marks_of_repetition_are_counted(tag: str, times: int) -> None:
    assert read_tag(tag) == Repetition(times)


def test_numbers_in_words_name_the_same_section() -> None:
    names = {
        found.name
        for tag in ("Verse 2", "verse two", "Second Verse", "第二段主歌")
        if isinstance(found := read_tag(tag), Heading)
    }
    assert names == {"verse 2"}
