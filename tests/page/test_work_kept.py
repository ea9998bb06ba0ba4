"""Tests that the page keeps the form over a reload, and can fill in the style, lyrics and seed of an earlier song."""

from typing import Any

import pytest

from tests.page.browser import DESKTOP, LYRICS, Tab, tab

pytestmark = pytest.mark.browser

ASKED = "() => window.asked"
RECORD_ASKED = """
  const real = window.fetch;
  window.asked = [];
  window.fetch = (path, options) => {
    if (options?.method === 'POST') window.asked.push(JSON.parse(options.body));
    return real(path, options);
  };
"""


def form_of(page: Tab) -> dict[str, Any]:
    """Return the present values of the form's fields by name."""
    names = ("prompt", "lyrics", "seed", "tempo_bpm", "key")
    values: dict[str, Any] = {name: page.page.input_value(f"#{name}") for name in names}
    values["length"] = None if page.page.is_checked("#duration-auto") else page.page.input_value("#duration")
    values["without"] = page.page.eval_on_selector_all("#stems input:not(:checked)", "(all) => all.map((o) => o.value)")
    return values


def test_a_reload_keeps_all_that_stands_in_the_form(page: Tab) -> None:
    page.page.click("#more summary")
    page.page.fill("#seed", "77")
    page.page.fill("#tempo_bpm", "96")
    page.page.fill("#key", "降E大调")
    page.page.uncheck("#stems input[value=drums]")
    page.ask_for(seconds=15)
    page.begun()
    before = form_of(page)

    page.page.reload()
    page.until("() => document.querySelector('#stems input')")

    assert before["prompt"] == "流行，钢琴"
    assert before["without"] == ["drums"]
    assert form_of(page) == before
    page.state("completed")


def test_again_fills_in_the_song_whose_bytes_then_are_the_same(page: Tab) -> None:
    page.ask_for(seconds=10)
    first = page.begun()
    page.state("completed")
    seed = page.rest().ask("GET", f"/v1/audio/music/{first}").json["seed"]
    page.page.fill("#prompt", "摇滚")
    page.page.fill("#lyrics", "[verse]\n什么都不一样")

    page.page.click("#again")
    filled = form_of(page)
    noted = page.text("#seed-note")
    page.page.click("#generate")
    page.until("([first]) => !location.hash.endsWith(first)", first)
    page.state("completed")
    songs = page.rest().ask("GET", "/v1/audio/music").json["songs"]
    page.page.click("#seed-new")

    assert (filled["prompt"], filled["lyrics"], filled["length"]) == ("流行，钢琴", LYRICS, "10")
    assert filled["seed"] == str(seed)
    assert str(seed) in noted
    assert len(songs) == 2
    assert len({song["sha256"] for song in songs}) == 1
    assert page.page.input_value("#seed") == ""
    assert page.page.is_hidden("#seed-note")


def test_another_version_has_the_same_words_and_another_seed(page: Tab) -> None:
    page.ask_for(seconds=10)
    first = page.begun()
    page.state("completed")
    page.page.fill("#prompt", "摇滚")
    page.page.evaluate(f"() => {{{RECORD_ASKED}}}")

    page.page.click("#variation")
    page.until("([first]) => !location.hash.endsWith(first)", first)
    page.state("completed")
    (asked,) = page.page.evaluate(ASKED)
    seeds = [song["seed"] for song in page.rest().ask("GET", "/v1/audio/music").json["songs"]]

    assert (asked["prompt"], asked["lyrics"], asked["duration"]) == ("流行，钢琴", LYRICS, 10)
    assert "seed" not in asked
    assert len(set(seeds)) == 2
    assert page.page.input_value("#prompt") == "摇滚"


def test_a_song_that_another_browser_asked_for_is_told_by_its_plan(browser: Any, address: str, page: Tab) -> None:
    page.ask_for(seconds=15)
    task_id = page.begun()
    page.state("completed")
    page.page.evaluate(
        "() => { localStorage.removeItem('melisma.requests'); localStorage.removeItem('melisma.draft'); }"
    )
    caller = page.page.evaluate("() => localStorage.getItem('melisma.caller')")

    with tab(browser, address, viewport=DESKTOP) as other:
        other.page.evaluate("([caller]) => localStorage.setItem('melisma.caller', caller)", [caller])
        other.page.goto(f"http://{address}/?#{task_id}")
        other.state("completed")
        other.until("() => document.getElementById('style').textContent")
        other.page.click("#again")
        filled = form_of(other)
        said = other.page.is_visible("#rebuilt")

    lines = [line for line in filled["lyrics"].splitlines() if line and not line.startswith("[")]
    assert lines == [line for line in LYRICS.splitlines() if not line.startswith("[")]
    assert filled["prompt"] == "流行，钢琴"
    assert said
