"""Tests of parsing lyrics in many formats in which people store them: the words that are sung, or the reason for
refusal.
"""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model.shared.lyrics.reading import read_lyrics
from model.song import InvalidParams
from tests.support.table import table


def sung(text: str) -> str:
    """Return the section kinds of lyrics with their lines, in the form "verse: 一 / 二 | chorus"."""
    sections = read_lyrics(text).sections
    return " | ".join(
        f"{section.kind}: {' / '.join(line.text for line in section.lines)}" if section.lines else section.kind
        for section in sections
    )


TIMED = {
    "LRC": ("[ti:海边]\n[ar:甲]\n[offset:-100]\n[00:02.10]潮水退去了\n[00:06]我还在等", "verse: 潮水退去了 / 我还在等"),
    "several stamps": ("[00:09.00][00:03.00]潮水\n[00:06.00]沙滩", "verse: 潮水 / 沙滩 / 潮水"),
    "stamps behind": ("[00:09.00]潮水退去了[00:12.50]", "verse: 潮水退去了"),
    "three numbers": ("[00:00:09]潮水\n[01:02:33]沙滩", "verse: 潮水 / 沙滩"),
    "words with stamps": ("[00:01.00]<00:01.00>go <00:01.50>home\n[00:03.00]<00:03.00>now", "verse: go home / now"),
    "stamped characters": ("[00:01.00]潮[00:01.30]水[00:01.60]退", "verse: 潮水退"),
    "milliseconds": ("[500,900]潮(500,300)水(800,600)\n[2000,90]沙(2000,40)滩(2040,50)", "verse: 潮水 / 沙滩"),
    "tags with stamps": ("[00:01][Verse]\n[00:02]潮水\n[00:04]【副歌】\n[00:05]沙滩", "verse: 潮水 | chorus: 沙滩"),
    "title and credits": ("[00:00.00]海边 - 甲\n[00:00.30]词：乙\n[00:03.00]潮水", "verse: 潮水"),
    "clocks": ("0:10 潮水退去了\n0:14 我还在等", "verse: 潮水退去了 / 我还在等"),
    "a time that is sung": ("9:15的车站\n潮水退去了\n我还在等", "verse: 9:15的车站 / 潮水退去了 / 我还在等"),
    "translations": (
        "[00:01]潮水退去\n[00:01]the tide is out\n[00:05]我还在等\n[00:05]I wait",
        "verse: 潮水退去 / 我还在等",
    ),
    "SRT": (
        "1\n00:00:02,000 --> 00:00:04,000\n潮水退去了\n\n2\n00:00:05,000 --> 00:00:07,100\n<i>我还在等</i>",
        "verse: 潮水退去了 / 我还在等",
    ),
    "WebVTT": ("WEBVTT\n\n1\n00:02.000 --> 00:04.000 line:90%\n- the tide is out", "verse: the tide is out"),
    "ASS": (
        "[Script Info]\nTitle: x\n[Events]\nDialogue: 0,0:00:01.00,0:00:02.00,a,,0,0,0,,{\\k10}潮{\\k20}水, 退\\N沙滩",
        "verse: 潮水, 退 / 沙滩",
    ),
    "TTML": (
        '<tt><head><title>x</title></head><div songPart="Chorus"><p begin="1s">潮水</p><p>沙滩</p></div></tt>',
        "chorus: 潮水 / 沙滩",
    ),
    "times with arrows": (
        "[00:00:02.000 --> 00:00:04.000]  潮水\n[00:00:04.000 --> 00:00:06.500]  沙滩",
        "verse: 潮水 / 沙滩",
    ),
    "subtitles in one line": ("00:02,000 --> 00:04,000 潮水\n00:04,000 --> 00:06,000 沙滩", "verse: 潮水 / 沙滩"),
    "labels of an editor": ("1.20\t4.00\t潮水\n4.00\t6.50\t沙滩", "verse: 潮水 / 沙滩"),
    "times alone": ("0:01\n潮水退去了\n0:05\n我还在等", "verse: 潮水退去了 / 我还在等"),
    "arrows of other kinds": ("1\n00:00:02,000 —> 00:00:04,000\n潮水\n\n2\n0:05 → 0:07\n沙滩", "verse: 潮水 / 沙滩"),
    "times in braces": ("{00:02.10}潮水\n{00:05.00}沙滩", "verse: 潮水 / 沙滩"),
    "times with signs before them": ("#0:02 潮水\n@0:05 沙滩", "verse: 潮水 / 沙滩"),
    "beginnings and ends": ("0:02.5 0:04.0 潮水\n0:04.0 0:06.5 沙滩", "verse: 潮水 / 沙滩"),
    "QRC in XML": (
        '<QrcInfos><Lyric_1 LyricContent="[500,90]潮(500,30)水(530,60)\n[900,90]沙滩(900,90)"/></QrcInfos>',
        "verse: 潮水 / 沙滩",
    ),
    "pure music": ("[00:00.00]纯音乐，请欣赏", "inst"),
}

MARKED_UP = {
    "Markdown": (
        "## Verse 1\n**潮水** 退去\n\n---\n**副歌：**\n*沙滩*\n> 走吧",
        "verse: 潮水 退去 | chorus: 沙滩 / 走吧",
    ),
    "HTML": ("潮水<br>沙滩<br/>海&nbsp;风 &amp; 我<p>走吧</p>", "verse: 潮水 / 沙滩 / 海 风 & 我 / 走吧"),
    "less than is no tag": ("I <3 you\n5 < 6", "verse: I <3 you / 5 < 6"),
    "JSON": ('{"title": "海边", "lyrics": "[verse]\\n潮水\\n[chorus]\\n沙滩"}', "verse: 潮水 | chorus: 沙滩"),
    "JSON by section": ('[{"section": "chorus", "lines": ["潮水", "沙滩"]}]', "chorus: 潮水 / 沙滩"),
    "JSON with sections as keys": ('{"verse": ["潮水"], "chorus": "沙滩"}', "verse: 潮水 | chorus: 沙滩"),
    "JSON lines": ('{"text": "潮水"}\n{"text": "沙滩"}', "verse: 潮水 / 沙滩"),
    "a literal of Python": ("['潮水', '沙滩']", "verse: 潮水 / 沙滩"),
    "HTML that is escaped": ("潮水&lt;br&gt;沙滩&amp;nbsp;风", "verse: 潮水 / 沙滩 风"),
    "forum": ("[b]Verse 1[/b]\n[i]潮水[/i]退去", "verse: 潮水退去"),
    "percent signs": ("%E6%BD%AE%E6%B0%B4%0A%E6%B2%99", "verse: 潮水 / 沙"),
    "a wrong encoding": ("潮水退去".encode().decode("latin-1"), "verse: 潮水退去"),
    "accents are no wrong encoding": ("café é", "verse: café é"),
    r"a written \n": (r"[verse]\n潮水\n\n[chorus]\r\n沙滩", "verse: 潮水 | chorus: 沙滩"),
    "codes of what nobody sees": ("潮&#8203;水&zwnj;", "verse: 潮水"),
    "other line ends as text": ("潮水%0A沙滩/n走吧\\\n海风", "verse: 潮水 / 沙滩 / 走吧 / 海风"),
    "a string of a program": ('lyrics = """\n潮水\n"""', "verse: 潮水"),
    "a chord at the start of each line": ("[C]潮水\n[G]沙滩", "verse: 潮水 / 沙滩"),
    "round chords at the start of each line": ("(Am) 潮水\n(F) 沙滩", "verse: 潮水 / 沙滩"),
    "a chord over each line": ("Am\n潮水\nF\n沙滩\nN.C.", "verse: 潮水 / 沙滩"),
    "chords of a section": ("前奏：C G Am F\n[verse]\n潮水\nSolo: | Am | F |", "intro | verse: 潮水 | inst"),
    "letters are no chords": ("[A]潮水\n[B]沙滩\nI\nA", "verse: 潮水 | chorus: 沙滩 / I / A"),
    "chords over lines": ("Am      F    G\n潮水退去了\n| C | G/B | Am7 |\n沙滩", "verse: 潮水退去了 / 沙滩"),
    "chords in lines": ("[Am]潮水[F]退去了[G]", "verse: 潮水退去了"),
    "ChordPro": (
        "{title: x}\n{soc}\n[C]go [G]home\n{eoc}\n{start_of_verse}\nnow\n{end_of_verse}",
        "chorus: go home | verse: now",
    ),
    "chords in round brackets": ("(Am)潮水(F)退去了", "verse: 潮水退去了"),
    "an alphabet is no chords": ("A B C D E F G", "verse: A B C D E F G"),
    "tablature": ("e|--0--2--3---|\nB|--1--3--0---|\ngo home", "verse: go home"),
}

MARKED_LINES = {
    "credits": ("作词 : 甲\n作曲：乙\n编曲/混音：丙\n潮水退去了\n录音室：丁", "verse: 潮水退去了"),
    "English credits": ("Title: Shore\nLyrics by Ann Lee\nKey: Am\n\nthe tide is out", "verse: the tide is out"),
    "settings around the words": (
        "Tempo: 90\nwords: x\n\ngo home\nmusic: it plays\nnow\n\nStyle: pop\nSource: x",
        "verse: go home / music: it plays / now",
    ),
    "title and artist": ("海边 - 甲\n\n[verse]\n潮水 - 沙滩\n风", "verse: 潮水 - 沙滩 / 风"),
    "a label": ("歌词：潮水退去了我还在等\n走吧", "verse: 潮水退去了我还在等 / 走吧"),
    "a title": ("《海边》\n词：甲\n潮水《春》", "verse: 潮水《春》"),
    "notices": ("潮水退去了\n未经许可不得翻唱\n© 2024 Shore", "verse: 潮水退去了"),
    "credits in brackets and with spaces": (
        "（作词：甲）\n作 曲：乙\n编曲＝丙\nGuitar: D\nYear: 2020\n电影《岸》主题曲\n潮水退去了",
        "verse: 潮水退去了",
    ),
    "an answer of a program": ("好的，以下是为你写的歌词：\n\n潮水退去了\n走吧", "verse: 潮水退去了 / 走吧"),
    "an English answer": ("Sure! Here are the lyrics for you:\ngo home", "verse: go home"),
    "words like credits": (
        "《岸》在播放\n曲终人散\nHere are the words I say\nGuitar in my hand\ncover me\n下面是我的心：潮水",
        "verse: 《岸》在播放 / 曲终人散 / Here are the words I say / Guitar in my hand / cover me / 下面是我的心：潮水",
    ),
    "counted lines": ("第一句：潮水\n第二句：沙滩", "verse: 潮水 / 沙滩"),
    "a table of counted lines": ("1 | 潮水\n2 | 沙滩", "verse: 潮水 / 沙滩"),
    "keycaps": ("1\ufe0f\u20e3 潮水\n2\ufe0f\u20e3 沙滩", "verse: 潮水 / 沙滩"),
    "numbers": ("1. 潮水\n2. 沙滩\n3. 走吧", "verse: 潮水 / 沙滩 / 走吧"),
    "Chinese numbers": ("1、潮水\n2、沙滩", "verse: 潮水 / 沙滩"),
    "pinyin below": ("潮水退去\ncháo shuǐ tuì qù\n我还在等\nwǒ hái zài děng", "verse: 潮水退去 / 我还在等"),
    "pinyin above": ("chao2 shui3\n潮水\nsha1 tan1\n沙滩", "verse: 潮水 / 沙滩"),
    "pinyin alone": ("cháo shuǐ tuì qù\nwǒ hái zài děng", "verse: cháo shuǐ tuì qù / wǒ hái zài děng"),
    "numerals": ("一、潮水\n二、沙滩", "verse: 潮水 / 沙滩"),
    "directions": ("潮水 (softly)\n(whispered) 沙滩\n风 [laughs] 走", "verse: 潮水 / 沙滩 / 风 / 走"),
    "echoes of the words": (
        "不要停（停）\ntwist and shout (shout)\n(girl) go slower (slower)",
        "verse: 不要停（停） / twist and shout (shout) / (girl) go slower (slower)",
    ),
    "a repeated word": ("重复着副歌的旋律\nrepeating myself", "verse: 重复着副歌的旋律 / repeating myself"),
    "numbers that are sung": ("走吧\n3只猫\n1 2 3 go", "verse: 走吧 / 3只猫 / 1 2 3 go"),
    "bullets": ("- 潮水\n* 沙滩\n• 走吧\n♪ 海风 ♪", "verse: 潮水 / 沙滩 / 走吧 / 海风"),
    "comments": ("# 草稿\n// later\n-- x\n潮水", "verse: 潮水"),
    "slashes": ("潮水退去了/我还在等/走吧走吧", "verse: 潮水退去了 / 我还在等 / 走吧走吧"),
    "slashes in words": ("他/她 AC/DC", "verse: 他/她 AC/DC"),
    "stars for letters": ("f**k this s***", "verse: f**k this s***"),
    "readings": ("我在银行[hang2]外\n行(háng)走【háng】", "verse: 我在银行[hang2]外 / 行(háng)走【háng】"),
    "backing words": (
        "潮水退（退去了）\n(ooh, ah)\n(break my heart)",
        "verse: 潮水退（退去了） / (ooh, ah) / (break my heart)",
    ),
}

UNSEEN = {
    "a byte order mark": ("\ufeff[chorus]\n潮水", "chorus: 潮水"),
    "zero-width characters": (
        "\u200b潮\u200d水\u200e退\ufe0f\n\u200b\n\u2060[chorus]\u200b\n沙滩",
        "verse: 潮水退 | chorus: 沙滩",
    ),
    "other spaces": ("[verse]\n\u3000\u3000潮水\n\u00a0\n沙滩\u2003", "verse: 潮水 / 沙滩"),
    "a space behind each character": ("潮 水 退 去 了\n银 行 门 口， 走 吧", "verse: 潮水退去了 / 银行门口，走吧"),
    "phrases stay apart": ("潮 水 退 去  我 还 在 等", "verse: 潮水退去 我还在等"),
    "spaced letters": ("g o  h o m e\nn o w  o k", "verse: go home / now ok"),
    "words of one letter": ("I a b c", "verse: I a b c"),
    "ornamental letters": ("𝓰𝓸 𝐡𝐨𝐦𝐞 ⓝⓞⓦ ɢᴏ\n⽔", "verse: go home now go / 水"),
    "other line ends": ("潮水\r\n沙滩\r走吧\u2028海风", "verse: 潮水 / 沙滩 / 走吧 / 海风"),
}

HEADINGS = {
    "names alone": (
        "Verse 1\n潮水\nPRE-CHORUS\n沙滩\nChorus x2\n走",
        "verse: 潮水 | pre-chorus: 沙滩 | chorus: 走 | chorus: 走",
    ),
    "Chinese names alone": ("主歌1\n潮水\n副歌\n沙滩\n间奏\n尾奏", "verse: 潮水 | chorus: 沙滩 | inst | outro"),
    "colons": ("Verse 2:\n潮水\n副歌：沙滩\nBridge: go", "verse: 潮水 | chorus: 沙滩 | bridge: go"),
    "letters and stanzas": ("A段：\n潮水\nB段\n沙滩\n第二段\n走吧", "verse: 潮水 | chorus: 沙滩 | verse: 走吧"),
    "round brackets": ("（主歌）\n潮水\n(Chorus)\n沙滩\n(guitar solo)", "verse: 潮水 | chorus: 沙滩 | inst"),
    "other brackets": (
        "{verse}\n潮水\n〔副歌〕\n沙滩\n「主歌」\n走\n<Bridge>\ngo",
        "verse: 潮水 | chorus: 沙滩 | verse: 走 | bridge: go",
    ),
    "double and nested brackets": (
        "[[verse]]\n潮水\n[Chorus [Male]]\n沙滩\n((ooh))",
        "verse: 潮水 | chorus: 沙滩 / ((ooh))",
    ),
    "signs around names": ("🎤 Verse 1 🎤\n潮水\n【★副歌★】\n沙滩", "verse: 潮水 | chorus: 沙滩"),
    "times in tags": ("[0:30 - Verse]\n潮水\n[Chorus 0:45]\n沙滩", "verse: 潮水 | chorus: 沙滩"),
    "near names with colons": (
        "Big Chorus:\n潮水\nRap Verse:\n沙滩\nGuitar Solo:\n副歌 Chorus：\n走",
        "chorus: 潮水 | verse: 沙滩 | inst | chorus: 走",
    ),
    "brackets in brackets": (
        "（副歌（高潮））\n潮水\n(Verse 1 (Spoken))\n沙滩\n(B段)\n走",
        "chorus: 潮水 | verse: 沙滩 | chorus: 走",
    ),
    "times beside names": ("Chorus (0:12)\n潮水\n00:42 Verse 2\n沙滩", "chorus: 潮水 | verse: 沙滩"),
    "names with a slip": ("[chours]\n潮水\nVerce 2:\n沙滩", "chorus: 潮水 | verse: 沙滩"),
    "a tag with a dash before another tag": ("[Chorus - loud]\n[Female]\n潮水", "chorus: 潮水"),
    "closing tags": ("[verse]潮水[/verse]\n[chorus]沙滩[/chorus]", "verse: 潮水 | chorus: 沙滩"),
    "directions behind tags": (
        "[Verse 1] // soft\n潮水\n[Chorus] (soft piano)\n沙滩\n[Verse 2] (ooh, go)",
        "verse: 潮水 | chorus: 沙滩 | verse: (ooh, go)",
    ),
    "names and words without a sign": ("主歌 潮水\nChorus 沙滩", "verse: 潮水 | chorus: 沙滩"),
    "tags between semicolons": ("[verse] 潮水 ; [chorus] 沙滩 ; [outro]", "verse: 潮水 | chorus: 沙滩 | outro"),
    "numbers of stanzas": ("1.\n潮水\n\n2.\n沙滩", "verse: 潮水 / 沙滩"),
    "Roman numbers of stanzas": ("I.\n潮水\n\nII.\n沙滩", "verse: 潮水 / 沙滩"),
    "half brackets": ("[副歌】\n潮水\n[verse\n沙滩\nbridge]\n走", "chorus: 潮水 | verse: 沙滩 | bridge: 走"),
    "dashes": ("--- Chorus ---\n潮水\n=== 桥段 ===\n沙滩", "chorus: 潮水 | bridge: 沙滩"),
    "words that begin with a name": (
        "Bridge over water\nchorus of frogs\n副歌的第一句",
        "verse: Bridge over water / chorus of frogs / 副歌的第一句",
    ),
    "words with colons": ("爱：是什么\nlove: a word", "verse: 爱：是什么 / love: a word"),
    "quoted words": ("“你好”他说\n「再见」", "verse: “你好”他说 / 「再见」"),
    "tags and words": ("[verse]: 潮水 [chorus] 沙滩", "verse: 潮水 | chorus: 沙滩"),
    "an empty tag": ("[]\n潮水", "verse: 潮水"),
}

CASES = {**TIMED, **MARKED_UP, **MARKED_LINES, **UNSEEN, **HEADINGS}


@table(("text", "expected"), CASES.values())
def test_lyrics_are_taken_for_what_they_are(text: str, expected: str) -> None:
    assert sung(text) == expected


@table(
    ("text", "reason"),
    [
        ("[00:01.00]\n[00:02.00]\n", "time stamps are not sung"),
        ("[ti:海边]\n[ar:甲]", "headers"),
        ("作词：甲\n作曲：乙", "credits and titles are not sung"),
        ("!!!\n…", "nothing to sing"),
        (" \n\ufeff\n", "hold no words"),
        ("ID3\x04\x00\ufffd\ufffd\x00words", "MP3 file"),
        ("PK\x03\x04\x14\x00", "ZIP file"),
        ("潮\x00水\x00退\x00去\x00", "belong to no text"),
        ("\ufffd\ufffd\ufffd的\ufffd", "belong to no text"),
        ("[verse]\na\n" * 201, "more than 200 sections"),
        ("啦 (x16)\n" + "(x16)\n" * 5, "more than 2000 lines"),
    ],
)
def test_what_holds_no_lyrics_is_refused_with_the_reason(text: str, reason: str) -> None:
    with pytest.raises(InvalidParams, match=reason) as caught:
        read_lyrics(text, "edit.lyrics")
    assert {violation.field for violation in caught.value.violations} == {"edit.lyrics"}


@pytest.mark.parametrize("text", ["", "[intro]\n[inst]\n[outro]", "[soft rain and piano]"])
def test_an_instrumental_needs_no_words(text: str) -> None:
    assert not any(section.lines for section in read_lyrics(text).sections)


@table(
    ("text", "note"),
    [
        ("[ti:海边]\n潮水", "lyrics: the headers of an LRC file are not sung"),
        ("[Sax Solo]\n[rain]\n潮水", "lyrics: sections of the nearest kind: [Sax Solo] as inst"),
        ("[verse][chorus]\n潮水", "lyrics: left out, as they have no words: [verse]"),
        ("作词：甲\n作曲：乙\n潮水", "lyrics: credits and titles are not sung: 作词：甲, 作曲：乙"),
        ("副歌：潮水", "lyrics: headings without brackets are taken as tags: 副歌：潮水"),
        (
            "\n".join(f"[rain {n}]" for n in range(12)) + "\n潮水",
            f"lyrics: not words, so not sung: {', '.join(f'rain {n}' for n in range(8))} and 4 more",
        ),
    ],
)  # fmt: skip
def test_one_note_says_what_was_done(text: str, note: str) -> None:
    assert note in read_lyrics(text).notes


def test_plain_lyrics_have_no_notes() -> None:
    assert read_lyrics("[Verse 1]\n潮水，退去了\n\n[Chorus]\nhold on (hold on)\n[inst]\n[Outro]\n走吧").notes == ()


MARKS = "[]()【】（）<>{}|*_#-:：/\\=~x×0123456789\n \t\u200b"


@settings(max_examples=150, deadline=None)
@given(st.text(st.sampled_from(MARKS + "潮水歌副主词ABabverse男女"), max_size=80) | st.text(max_size=80))
def test_any_text_is_read_or_refused_under_its_field(text: str) -> None:
    try:
        sections = read_lyrics(text).sections
    except InvalidParams as error:
        sections = ()
        found = {violation.field for violation in error.violations}
    else:
        found = {"lyrics"}
    assert found == {"lyrics"}
    assert all(line.text.strip() for section in sections for line in section.lines)
