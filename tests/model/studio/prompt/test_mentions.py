"""Tests of finding known and negated words in a prompt."""

from model.studio.prompt.mentions import mentions, negated, normalised, places, unknown_words, wanted_places


def test_latin_words_stand_alone_and_chinese_ones_need_not() -> None:
    assert places("popcorn pop", "pop") == [8]
    assert places("我要摇滚乐", "摇滚") == [2]


def test_a_denied_word_is_not_wanted() -> None:
    text = "no piano or organ, strings without harp and flute; drums"
    assert wanted_places(text, "piano") == wanted_places(text, "organ") == []
    assert wanted_places(text, "harp") == wanted_places(text, "flute") == []
    assert wanted_places(text, "strings") == [19]
    assert not negated(text, text.index("drums"))


def test_a_word_inside_a_longer_one_does_not_count() -> None:
    found = mentions(normalised("Electric-Piano, not piano"), ["piano", "electric piano"])
    assert [mention.text for mention in found] == ["electric piano", "no piano"]


def test_unknown_words_are_those_without_a_musical_meaning() -> None:
    text = normalised("a song with glorp and 北京 的 爵士")
    assert unknown_words(text, [(mention.place, mention.end) for mention in mentions(text, ["爵士"])]) == (
        "glorp",
        "北京",
    )
