"""Tests of the page without a connection: the loss is shown until the connection is back."""

from typing import Any

import pytest

from tests.page.browser import BROKEN_OFF, LONG_LYRICS, tab

pytestmark = pytest.mark.browser

OFFLINE = f"ERR_|Failed to load|{BROKEN_OFF}"


def test_a_lost_connection_is_shown_at_form_and_player_until_it_is_back(browser: Any, address: str) -> None:
    with tab(browser, address) as page:
        page.ask_for(lyrics=LONG_LYRICS, seconds=240)
        page.begun()
        page.played(0.3)
        page.page.context.set_offline(True)
        page.until("() => !document.getElementById('connection').hidden")
        page.until("() => document.getElementById('status').textContent === '等待网络恢复'")
        page.page.click("#generate")
        page.until("() => /无法连接/.test(document.getElementById('error-form').textContent)")
        foretold = page.text("#estimate")
        seen = page.page.evaluate("() => document.getElementById('connection').getBoundingClientRect().top >= 0")

        page.page.context.set_offline(False)
        page.until("() => document.getElementById('connection').hidden")
        page.until("() => document.getElementById('error-form').textContent === ''")
        page.until("() => /创作中/.test(document.getElementById('status').textContent)")
        page.page.click("#cancel")
        page.state("cancelled")
        page.excuse(OFFLINE)

    assert foretold == ""
    assert seen


def test_what_could_not_be_learnt_is_asked_for_again(browser: Any, address: str) -> None:
    with tab(browser, address) as page:
        page.page.route("**/v1/engines", lambda route: route.abort())
        page.page.reload()
        page.page.wait_for_selector("#connection", state="visible")
        page.page.unroute("**/v1/engines")
        page.until("() => document.querySelector('#engine').value")
        page.page.wait_for_selector("#connection", state="hidden")
        page.excuse(OFFLINE)


def test_a_proxy_without_a_server_behind_it_is_a_lost_connection(browser: Any, address: str) -> None:
    with tab(browser, address) as page:
        page.page.route("**/*", lambda route: route.fulfill(status=502, body="Bad Gateway"))
        page.page.click("#generate")
        page.page.wait_for_selector("#connection", state="visible")
        page.page.unroute("**/*")
        page.page.wait_for_selector("#connection", state="hidden")
        page.excuse("status of 502")


def test_the_same_request_sent_again_without_an_answer_makes_one_song(browser: Any, address: str) -> None:
    with tab(browser, address) as page:
        keys: list[str] = []
        page.page.on(
            "request",
            lambda request: keys.append(request.headers["idempotency-key"]) if request.method == "POST" else None,
        )
        page.page.route("**/generate", lambda route: (route.fetch(), route.abort()))
        page.ask_for(seconds=10)
        page.until("() => /无法连接/.test(document.getElementById('error-form').textContent)")
        page.page.unroute("**/generate")
        page.page.click("#generate")
        page.begun()
        page.state("completed")
        songs = page.rest().ask("GET", "/v1/audio/music").json["songs"]
        page.excuse(OFFLINE)

    assert len(keys) == 2
    assert len(set(keys)) == 1
    assert len(songs) == 1
