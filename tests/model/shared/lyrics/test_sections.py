"""Tests that marks of repetitions and of singers in lyrics give the right sections, lines and singers."""

from model.shared.lyrics.reading import read_lyrics
from model.shared.lyrics.singers import Singer
from tests.model.shared.lyrics.test_reading import sung
from tests.support.table import table


@table(
    ("text", "expected"),
    [
        ("[verse]\n潮\n[chorus]\n水\n[verse]\n退\n[chorus]", "verse: 潮 | chorus: 水 | verse: 退 | chorus: 水"),
        (
            "[pre-chorus]\n潮\n[chorus]\n水\n[Pre-Chorus]\n[Chorus 2]",
            "pre-chorus: 潮 | chorus: 水 | pre-chorus: 潮 | chorus: 水",
        ),
        ("[chorus 1]\n潮\n[chorus 2]\n水\n[chorus 1]", "chorus: 潮 | chorus: 水 | chorus: 潮"),
        ("[Verse 1]\n潮\n[Verse 1]\n[verse]", "verse: 潮 | verse: 潮 | verse"),
        ("[chorus]\n潮\n[bridge]\n[outro]", "chorus: 潮 | bridge | outro"),
        ("[chorus x2]\n潮", "chorus: 潮 | chorus: 潮"),
        ("[chorus]\n潮\n[verse]\n水\n[chorus ×2]", "chorus: 潮 | verse: 水 | chorus: 潮 | chorus: 潮"),
        ("[chorus] x2\n潮", "chorus: 潮 | chorus: 潮"),
        ("[副歌]\n潮\n[主歌]\n水\n（重复副歌）", "chorus: 潮 | verse: 水 | chorus: 潮"),
        ("Chorus\ngo\nVerse\nhome\nRepeat chorus", "chorus: go | verse: home | chorus: go"),
        (
            "潮水 (x2)\n沙滩×3\n走（重复）\ngo on x2",
            "verse: 潮水 / 潮水 / 沙滩 / 沙滩 / 沙滩 / 走 / 走 / go on / go on",
        ),
        ("[verse]\n潮\n\n水\n退\n(x2)", "verse: 潮 / 水 / 退 / 水 / 退"),
        ("[chorus]\n潮\n[verse]\n水\n[chorus]\n（同上）", "chorus: 潮 | verse: 水 | chorus: 潮"),
        (
            "[chorus] (x2)\n潮\n[verse]\n水\n[chorus]\n(x2)",
            "chorus: 潮 | chorus: 潮 | verse: 水 | chorus: 潮 | chorus: 潮",
        ),
        ("||: go home :||", "verse: go home / go home"),
        ("again\nrepeat after me\n4 x 4", "verse: again / repeat after me / 4 x 4"),
        ("[outro]\n潮\n[fade out]\n[end]", "outro: 潮"),
        ("[verse]\n[chorus]\n潮", "chorus: 潮"),
        ("[intro]\n[whispering verse]\n[chorus]\n潮", "intro | chorus: 潮"),
        ("啦 (x99)", "verse: " + " / ".join(["啦"] * 16)),
    ],
)
def test_what_is_marked_to_come_again_does(text: str, expected: str) -> None:
    assert sung(text) == expected


def singers(text: str) -> list[Singer | None]:
    return [line.singer for section in read_lyrics(text).sections for line in section.lines]


FEMALE, MALE, FIRST, SECOND, ALL = Singer.FEMALE, Singer.MALE, Singer.FIRST, Singer.SECOND, Singer.ALL


@table(
    ("text", "expected"),
    [
        ("男：潮水\n沙滩\n女：走吧\n合：海风", [MALE, MALE, FEMALE, ALL]),
        ("(男)潮水\n（女）沙滩\n【合】走吧", [MALE, FEMALE, ALL]),
        ("[male]\n[verse]\n潮水\n[female vocal]\n沙滩", [MALE, FEMALE]),
        ("A：潮水\nB：沙滩", [FIRST, SECOND]),
        ("Him: go\nHer: home\nBoth: now", [MALE, FEMALE, ALL]),
        ("[Verse 1 (Female)]\n潮水\n[Chorus]\n沙滩", [FEMALE, None]),
        ("[Chorus (male)]\n潮水\n[Chorus (female)]", [MALE, FEMALE]),
        ("[Chorus: Both]\n潮水\n[male]\n沙滩", [ALL, MALE]),
        ("小明：潮水\n小红：沙滩\n小明：走吧\n小红：海风", [FIRST, SECOND, FIRST, SECOND]),
        ("他说：潮水\n我说：沙滩\n他说：走吧\n我说：海风", [None] * 4),
        ("（女）潮水（男）沙滩（合）走吧", [FEMALE, MALE, ALL]),
        ("潮水（男）沙滩（女）\n走吧（合）", [MALE, FEMALE, ALL]),
        ("♂潮水\n♀：沙滩", [MALE, FEMALE]),
        ("男 潮水\n女 沙滩", [MALE, FEMALE]),
        ("领唱：潮水\n伴唱：沙滩\nLead: go\nBackup: home", [FIRST, SECOND, FIRST, SECOND]),
        ("女生部分：\n潮水\n[男生唱]\n沙滩", [FEMALE, MALE]),
        ("我爱（男）孩\nLead me home: now\n女人花", [None] * 3),
        ("潮水", [None]),
    ],
)
def test_a_mark_says_who_sings_what_follows(text: str, expected: list[Singer | None]) -> None:
    assert singers(text) == expected
