"""Tests of the form of the preview page, and of the display of the server's violations."""

import re

import pytest

from tests.page.browser import BROKEN_OFF, LONG_LYRICS, Tab

pytestmark = pytest.mark.browser


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("tempo_bpm", "10", "须在 40 到 220 之间。"),
        ("tempo_bpm", "44", "须在 50 到 180 之间。"),
        ("key", "H", "请写调名，如 C大调、升F小调 或 Am。"),
        ("seed", "-1", "须在 0 到 4294967295 之间。"),
        ("seed", "x", "须为数字。"),
    ],
)
def test_a_field_that_is_wrong_says_so(page: Tab, field: str, value: str, said: str) -> None:
    page.page.click("#more summary")
    page.page.fill(f"#{field}", value)
    page.page.click("#more summary")
    page.ask_for()

    page.until(f"() => document.getElementById('error-{field}').textContent")

    assert page.text(f"#error-{field}") == said
    assert page.page.get_attribute(f"#{field}", "aria-invalid") == "true"
    assert page.page.is_visible(f"#error-{field}")
    assert page.page.evaluate("() => document.activeElement.id") == field
    page.page.fill(f"#{field}", "")
    assert page.text(f"#error-{field}") == ""
    page.excuse(f"status of 400|{BROKEN_OFF}")


def test_neither_style_nor_lyrics_is_said_at_the_style(page: Tab) -> None:
    page.ask_for(prompt="", lyrics="")

    page.until("() => document.getElementById('error-prompt').textContent")

    assert page.text("#error-prompt") == "请写下风格，或写几句歌词。"
    page.excuse("status of 400")


def test_words_that_cannot_be_read_are_said_at_the_lyrics(page: Tab) -> None:
    page.ask_for(lyrics="Подмосковные вечера")

    page.until("() => document.getElementById('error-lyrics').textContent")

    assert not page.page.is_visible("#status")
    page.excuse("status of 400")


def test_lyrics_that_are_too_long_are_said_at_the_length(page: Tab) -> None:
    page.ask_for(lyrics=LONG_LYRICS, seconds=60)

    page.until("() => document.getElementById('error-duration').textContent")

    assert re.fullmatch(r"这些歌词至少需要 \d+ 秒。", page.text("#error-duration"))
    assert not page.page.is_visible("#status")
    page.excuse("status of 400")


def test_the_language_can_be_changed(page: Tab) -> None:
    page.page.click("#language")
    page.page.reload()

    assert page.text("#generate") == "Generate"
    assert not re.search(r"[\u4e00-\u9fff]", page.page.inner_text("main"))


def test_words_and_tags_are_put_in_by_a_click(page: Tab) -> None:
    page.page.click("text=古风")
    page.page.click("text=古筝")
    page.page.click("text=古风")
    page.page.click("#tags >> text=副歌")
    page.page.keyboard.type("春天醒来")

    assert page.page.input_value("#prompt") == "古筝"
    assert page.page.input_value("#lyrics") == "[chorus]\n春天醒来"
    assert page.text("#backdrop mark") == "[chorus]"
    assert page.text("#count-lyrics") == "13 / 10000"


def test_what_was_said_is_said_in_the_language_of_the_page(page: Tab) -> None:
    page.ask_for(lyrics="Подмосковные вечера")
    page.until("() => document.getElementById('error-lyrics').textContent")
    chinese = page.text("#error-lyrics")
    page.page.click("#language")
    english = page.text("#error-lyrics")
    page.page.click("#words button:first-child")
    left = page.text("#error-form")

    assert chinese.endswith("请用汉字、拼音或拉丁字母书写。")
    assert english.endswith("Write the words in Chinese characters, pinyin or Latin letters.")
    assert left == ""
    page.excuse("status of 400")


def test_suggestions_within_phrases_are_marked_and_taken_out_by_a_click(page: Tab) -> None:
    page.page.fill("#prompt", "欢快的流行，钢琴")
    marked = page.page.eval_on_selector_all("#words [aria-pressed=true]", "(all) => all.map((one) => one.textContent)")
    page.page.click("#words >> text=流行")

    assert marked == ["流行", "钢琴"]
    assert page.page.input_value("#prompt") == "欢快，钢琴"
