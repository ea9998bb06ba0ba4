"""Tests of the player: its controls, its layout on a phone, and songs of many sections."""

from typing import Any

import pytest

from tests.page.browser import BROKEN_OFF, DESKTOP, LONG_LYRICS, PHONE, Tab, tab

pytestmark = pytest.mark.browser

SMALL_PHONE = {"width": 320, "height": 568}
MANY_SECTIONS = "\n".join(["[verse]\n春天醒来花就开", "[pre-chorus]\n夜色很安静", "[chorus]\n我们一起唱"] * 7)

IN_VIEW = """(name) => {
  const { top, bottom, height } = document.querySelector(name).getBoundingClientRect();
  return height > 0 && top >= 0 && bottom <= innerHeight;
}"""
CUT = """() => Array.from(document.querySelectorAll('#sections .name'))
  .filter((name) => !name.textContent || name.scrollWidth > name.parentElement.clientWidth
    || getComputedStyle(name).visibility !== 'visible').map((name) => name.textContent)"""


def test_a_song_begins_again_where_that_is_wished(page: Tab) -> None:
    page.ask_for(prompt="流行", lyrics="", seconds=10)
    page.begun()
    page.page.click("#loop")
    page.state("completed")
    page.page.focus("#position")
    page.page.keyboard.press("End")
    page.until("() => document.getElementById('position').getAttribute('aria-valuenow') >= 8")
    page.until("() => /^0:0[0-2]/.test(document.getElementById('time').textContent)")
    page.played(0.2)

    assert page.page.get_attribute("#loop", "aria-pressed") == "true"
    page.page.reload()
    page.until("() => document.querySelector('#engine').value")
    assert page.page.get_attribute("#loop", "aria-pressed") == "true"


def test_the_volume_is_set_and_kept(page: Tab) -> None:
    page.ask_for(prompt="流行", lyrics="", seconds=10)
    page.begun()
    page.page.wait_for_selector("#volume")
    page.page.focus("#volume")
    for _ in range(4):
        page.page.keyboard.press("ArrowLeft")
    page.until("() => Math.abs(audio.volume - 0.8) < 0.001")
    page.page.click("#mute")
    page.until("() => audio.muted")
    usable = page.page.is_enabled("#play")
    label = page.page.get_attribute("#mute", "aria-label")
    page.page.click("#mute")
    page.until("() => !audio.muted")
    page.state("completed")
    page.page.reload()

    page.until("() => Math.abs(audio.volume - 0.8) < 0.001")
    assert label == "取消静音"
    assert usable


@pytest.mark.parametrize("viewport", [PHONE, SMALL_PHONE], ids=["phone", "small"])
def test_a_phone_has_generate_on_its_first_screen_and_the_player_while_editing(
    browser: Any, address: str, viewport: Any
) -> None:
    with tab(browser, address, viewport=viewport, has_touch=True) as page:
        first = page.page.evaluate(IN_VIEW, "#generate")
        unseen = page.page.is_hidden("#dock")
        page.ask_for(lyrics=LONG_LYRICS, seconds=240)
        page.begun()
        page.played(0.2)
        page.page.focus("#prompt")
        page.page.wait_for_selector("#dock", state="visible")
        page.until(f"(names) => names.every({IN_VIEW})", "#dock", "#generate", "#prompt")
        title = page.text("#dock-title")
        page.page.click("#dock-play")
        page.until("() => audio.paused")
        page.page.click("#dock-show")
        page.page.wait_for_selector("#dock", state="hidden")
        page.until(f"(names) => names.every({IN_VIEW})", "#play")
        page.page.click("#cancel")
        page.state("cancelled")
        page.excuse(BROKEN_OFF)

    assert first
    assert unseen
    assert title == "春天醒来花就开"


@pytest.mark.parametrize("viewport", [DESKTOP, PHONE], ids=["desktop", "phone"])
@pytest.mark.parametrize("locale", ["zh-CN", "en-GB"])
def test_the_names_of_many_sections_are_readable_and_the_one_that_sounds_is_in_sight(
    browser: Any, address: str, viewport: Any, locale: str
) -> None:
    with tab(browser, address, viewport=viewport, locale=locale, reduced_motion="reduce") as page:
        page.ask_for(lyrics=MANY_SECTIONS, seconds=240)
        page.begun()
        page.until("() => document.querySelectorAll('#sections li').length >= 21")
        cut = page.page.evaluate(CUT)
        wide = page.page.evaluate("() => document.documentElement.scrollWidth - innerWidth")
        page.page.eval_on_selector("#sections", "(list) => { list.scrollLeft = list.scrollWidth; }")
        page.until("() => document.querySelector('#sections [aria-current]')")
        page.page.eval_on_selector("#sections", "(list) => { list.scrollLeft = list.scrollWidth; }")
        page.until("() => document.querySelectorAll('#sections li[data-state=ready]').length >= 2")
        page.page.click("#sections li:nth-child(2) button")
        page.until("() => document.querySelector('#sections li:nth-child(2)[aria-current]')")
        seen = page.page.evaluate("""() => {
          const list = document.getElementById('sections').getBoundingClientRect();
          const { left, right } = document.querySelector('#sections [aria-current]').getBoundingClientRect();
          return left >= list.left - 1 && right <= list.right + 1;
        }""")
        page.page.click("#cancel")
        page.state("cancelled")
        page.excuse(BROKEN_OFF)

    assert cut == []
    assert wide <= 0
    assert seen


def test_the_lyrics_tell_that_there_is_more_of_them(page: Tab) -> None:
    page.ask_for(lyrics=LONG_LYRICS, seconds=240)
    page.begun()
    page.until("() => document.querySelectorAll('.line').length > 20")
    panel = page.page.evaluate("""() => {
      const box = document.getElementById('words-sung');
      const { overflowY, scrollbarWidth, backgroundImage } = getComputedStyle(box);
      const more = box.scrollHeight - box.clientHeight;
      document.querySelector('.verse:last-child .line:last-child').scrollIntoView({ block: 'nearest' });
      const last = document.querySelector('.verse:last-child .line:last-child').getBoundingClientRect();
      return { overflowY, scrollbarWidth, shades: backgroundImage.split('linear-gradient').length - 1, more,
        reached: last.bottom <= box.getBoundingClientRect().bottom + 1 };
    }""")
    page.page.click("#cancel")
    page.state("cancelled")

    assert panel["more"] > 0
    assert panel | {"more": 0} == {
        "overflowY": "auto",
        "scrollbarWidth": "thin",
        "shades": 4,
        "more": 0,
        "reached": True,
    }
    page.excuse(BROKEN_OFF)


def test_one_engine_is_no_choice_and_a_key_has_a_name_in_chinese(page: Tab) -> None:
    page.page.click("#more summary")
    page.page.fill("#key", "F# minor")
    page.ask_for(prompt="流行", lyrics="", seconds=10)
    page.begun()
    page.until("() => document.getElementById('facts').textContent.includes('升F小调')")
    page.page.click("#language")
    page.until("() => document.getElementById('facts').textContent.includes('F♯ minor')")

    assert page.page.is_hidden("#engine-field")
    assert page.page.get_attribute("#key", "placeholder") == "C major"
    page.state("completed")
