"""Tests of links to songs, opened by the caller who requested the song and by other callers, and of links to unknown
and deleted songs.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from server.auth.api_keys import new_key
from tests.page.browser import Tab, tab
from tests.page.serving import serving_page

pytestmark = pytest.mark.browser

NOBODYS = "song-00000000-0000-4000-8000-000000000000"


@pytest.mark.parametrize("link", ["../../v1/engines", "song-1", "song-../../x", "%2e%2e", "x"])
def test_what_is_no_link_of_a_song_asks_for_nothing(browser: Any, address: str, link: str) -> None:
    with tab(browser, address) as page:
        asked: list[str] = []
        page.page.on("request", lambda request: asked.append(request.url))
        page.page.evaluate("([link]) => { location.hash = link; }", [link])
        page.until("() => /不是歌曲的链接/.test(document.getElementById('empty').textContent)")

    assert [url for url in asked if not url.endswith("/icon.svg")] == []


def test_a_link_to_no_song_says_so(browser: Any, address: str) -> None:
    with tab(browser, address) as page:
        page.page.goto(f"http://{address}/?#{NOBODYS}")
        page.until("() => document.getElementById('empty').textContent === '这首歌已不在，或属于他人。'")
        page.page.click("#language")
        english = page.text("#empty")
        page.page.evaluate("() => { location.hash = ''; }")
        page.until("() => /appears here/.test(document.getElementById('empty').textContent)")
        page.excuse("status of 404")

    assert english == "This song is not here any more, or belongs to someone else."


def test_a_link_in_a_browser_of_someone_else_plays_the_sound_and_says_why_no_more(
    browser: Any, address: str, page: Tab
) -> None:
    page.ask_for(seconds=10)
    task_id = page.begun()
    page.state("completed")

    with tab(browser, address, locale="en-GB") as other:
        other.page.goto(f"http://{address}/?#{task_id}")
        other.state("foreign")
        said = other.text("#reason")
        other.until("() => !document.getElementById('play').disabled")
        if other.page.get_attribute("#play", "data-playing") == "false":
            other.page.click("#play")
        other.played(0.3)
        length = other.text("#length")
        hidden = [other.page.is_hidden(button) for button in ("#actions", "#cancel", "#save-midi")]
        saved = other.page.is_visible("#save-mp3")
        other.excuse("status of 404")

    assert said.startswith("This song belongs to another API key or another browser.")
    assert length == "0:10"
    assert hidden == [True, True, True]
    assert saved


def test_a_link_of_a_key_opens_once_the_key_is_given(browser: Any, tmp_path: Path) -> None:
    key, entry = new_key("games")
    keys = tmp_path / "keys.json"
    keys.write_text(json.dumps({"keys": [entry.model_dump(mode="json")]}))
    with serving_page("fake=tests.support.fakes:FakeEngine", API_KEYS=str(keys)) as address:
        with tab(browser, address, engines=False) as page:
            page.page.fill("#api-key", key)
            page.page.keyboard.press("Tab")
            page.until("() => document.querySelector('#engine').value")
            page.ask_for(prompt="pop", lyrics="", seconds=10)
            task_id = page.begun()
            page.state("completed")
            page.excuse("status of 401")
        with tab(browser, address, engines=False) as other:
            other.page.goto(f"http://{address}/?#{task_id}")
            other.until("() => /API 密钥/.test(document.getElementById('empty').textContent)")
            other.page.fill("#api-key", key)
            other.page.keyboard.press("Tab")
            other.state("completed")
            other.until("() => document.getElementById('style').textContent || document.title.startsWith('pop')")
            other.excuse("status of 401")


def test_a_link_is_copied(browser: Any, address: str) -> None:
    with tab(browser, address, permissions=["clipboard-read", "clipboard-write"]) as page:
        page.ask_for(prompt="流行", lyrics="", seconds=10)
        task_id = page.begun()
        page.page.click("#copy-link")
        page.until("() => !document.getElementById('link-note').hidden")
        copied = page.page.evaluate("() => navigator.clipboard.readText()")
        said = page.text("#link-note")
        page.state("completed")

    assert copied == f"http://{address}/#{task_id}"
    assert "已复制链接" in said
    assert "其他浏览器中只能播放声音" in said


def test_a_link_that_cannot_be_copied_is_shown(page: Tab) -> None:
    page.page.evaluate("() => { navigator.clipboard.writeText = () => Promise.reject(new Error('no')); }")
    page.ask_for(prompt="流行", lyrics="", seconds=10)
    task_id = page.begun()
    page.page.click("#copy-link")
    page.until("() => !document.getElementById('link').hidden")

    assert page.page.input_value("#link").endswith(f"/#{task_id}")
    page.state("completed")


def test_a_song_is_deleted_once_that_is_confirmed(page: Tab) -> None:
    page.ask_for(prompt="流行", lyrics="", seconds=10)
    task_id = page.begun()
    page.state("completed")
    page.page.click("#delete")
    page.page.click("#confirm button[value=no]")
    kept = page.rest().ask("GET", f"/v1/audio/music/{task_id}").status

    page.page.click("#delete")
    named = page.text("#confirm-text")
    page.page.click("#confirm button[value=yes]")
    page.until("() => document.getElementById('empty').textContent === '歌曲已删除。'")
    page.until("() => !document.querySelector('#history li')")
    gone = page.rest().ask("GET", f"/v1/audio/music/{task_id}").status
    remembered = page.page.evaluate("() => localStorage.getItem('melisma.requests')")

    assert (kept, gone) == (200, 404)
    assert "流行" in named
    assert task_id not in remembered
    assert task_id not in page.page.url
    page.excuse("status of 404")


def test_a_song_is_deleted_in_the_list(page: Tab) -> None:
    open_one = ""
    for _ in range(2):
        page.ask_for(prompt="流行", lyrics="", seconds=10)
        page.until(f"() => location.hash.length > 1 && location.hash !== '#{open_one}'")
        open_one = page.begun()
        page.state("completed")
    page.until("() => document.querySelectorAll('#history button').length === 2")

    page.page.click("#history li:last-child button")
    page.page.click("#confirm button[value=yes]")
    page.until("() => document.querySelectorAll('#history li').length === 1")

    assert page.page.url.endswith(open_one)
    assert page.page.is_visible("#playing")
    page.excuse("status of 404")


def test_a_server_that_does_not_delete_is_told_of(page: Tab) -> None:
    page.ask_for(prompt="流行", lyrics="", seconds=10)
    page.begun()
    page.state("completed")
    answer = {"status": 500, "content_type": "application/problem+json", "body": json.dumps({"reason": "INTERNAL"})}
    page.page.route("**/v1/audio/music/song-*", lambda route: route.fulfill(**answer))

    page.page.click("#delete")
    page.page.click("#confirm button[value=yes]")
    page.until("() => document.getElementById('error-action').textContent")

    assert page.text("#error-action").startswith("服务器出了错")
    assert page.page.is_visible("#playing")
    page.excuse("status of 500")
