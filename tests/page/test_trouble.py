"""Tests of the preview page with API keys, full servers and broken connections."""

import json
from pathlib import Path
from typing import Any

import pytest

from server.auth.api_keys import new_key
from tests.page.browser import BROKEN_OFF, LONG_LYRICS, tab
from tests.page.serving import serving_page
from tests.support.cutting import cutting

pytestmark = pytest.mark.browser

CUT_AFTER_BYTES = 100_000


def test_who_has_a_key_is_asked_for_it(browser: Any, tmp_path: Path) -> None:
    key, entry = new_key("games")
    keys = tmp_path / "keys.json"
    keys.write_text(json.dumps({"keys": [entry.model_dump(mode="json")]}))
    with (
        serving_page("fake=tests.support.fakes:FakeEngine", API_KEYS=str(keys)) as address,
        tab(browser, address, engines=False) as page,
    ):
        page.until("() => document.getElementById('error-api-key').textContent")
        asked = page.text("#error-api-key")
        page.page.fill("#api-key", "melisma_wrong")
        page.page.keyboard.press("Tab")
        page.until("([asked]) => document.getElementById('error-api-key').textContent !== asked", asked)
        wrong = page.text("#error-api-key")
        page.page.fill("#api-key", key)
        page.page.keyboard.press("Tab")
        page.until("() => document.querySelector('#engine').value")
        page.ask_for(prompt="pop", lyrics="", seconds=10)
        page.state("completed")
        page.played(0.2)
        page.excuse("status of 401")

    assert asked == "此服务器需要 API 密钥。"
    assert wrong == "服务器不认识这个密钥。"


def test_a_server_without_keys_asks_for_none(page: Any) -> None:
    assert page.page.is_hidden("#key-field")


def test_a_full_server_is_waited_for(browser: Any) -> None:
    with (
        serving_page("studio", LIMITS__RUNNING_SONGS="1", LIMITS__QUEUED_SONGS="0") as address,
        tab(browser, address) as page,
    ):
        page.ask_for(lyrics=LONG_LYRICS, seconds=240)
        page.begun()
        page.played(0.1)
        page.page.click("#generate")
        page.until("() => /后可再试/.test(document.getElementById('generate').textContent)")
        said, disabled = page.text("#error-form"), page.page.is_disabled("#generate")
        page.page.click("#cancel")
        page.state("cancelled")
        page.until("() => document.getElementById('generate').textContent === '生成'")
        page.page.click("#generate")
        page.until("() => document.querySelector('#playing').dataset.state === 'running'")
        page.page.click("#cancel")
        page.state("cancelled")
        page.excuse(f"status of 429|{BROKEN_OFF}")

    assert said == "服务器暂时已满，请稍后再试。"
    assert disabled


def test_a_song_goes_on_over_connections_that_break(browser: Any, address: str) -> None:
    with cutting(address, lambda: CUT_AFTER_BYTES) as cutter, tab(browser, cutter.address) as page:
        page.ask_for(seconds=20)
        page.begun()
        page.page.evaluate(GAPS)
        page.until("() => document.getElementById('play').dataset.playing === 'true'")
        page.state("completed")
        page.until("() => document.getElementById('time').textContent === '0:19'")
        leaps = page.page.evaluate("() => window.leaps")
        shown = page.page.evaluate("() => document.querySelectorAll('.syllable.sung').length")
        syllables = page.page.evaluate("() => document.querySelectorAll('.syllable').length")
        page.excuse("ERR_|Failed to load")

    assert cutter.cuts >= 3
    assert max(map(abs, leaps)) <= 0.5, leaps
    assert shown == syllables


# By how much the place in the song differs from one frame to the next; it stands still while the sound does.
GAPS = """() => {
  window.leaps = [0];
  let before = 0;
  (function sample() {
    const now = parseFloat(document.getElementById('needle').style.left || '0') / 5;
    window.leaps.push(now - before);
    before = now;
    requestAnimationFrame(sample);
  })();
}"""


def test_a_quota_is_not_a_full_server(browser: Any, tmp_path: Path) -> None:
    key, entry = new_key("games")
    keys = tmp_path / "keys.json"
    keys.write_text(json.dumps({"keys": [entry.model_copy(update={"concurrent_songs": 1}).model_dump(mode="json")]}))
    with serving_page("studio", API_KEYS=str(keys)) as address, tab(browser, address, engines=False) as page:
        page.page.fill("#api-key", key)
        page.page.keyboard.press("Tab")
        page.until("() => document.querySelector('#engine').value")
        page.ask_for(lyrics=LONG_LYRICS, seconds=240)
        page.begun()
        page.page.click("#generate")
        page.until("() => document.getElementById('error-form').textContent")
        chinese = page.text("#error-form")
        page.page.click("#language")
        english = page.text("#error-form")
        page.page.click("#cancel")
        page.state("cancelled")
        page.excuse(f"status of (401|429)|{BROKEN_OFF}")

    assert chinese == "您最多可同时创作 1 首。请等其中一首完成，或取消一首。"
    assert english == "Songs at a time that you may make: 1. Wait until one of them is complete, or cancel one."
