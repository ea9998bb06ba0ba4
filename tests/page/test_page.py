"""Tests of the preview page in a real browser, with a real server and the engine studio."""

import io
from itertools import pairwise
from typing import Any

import mido
import pytest

from tests.page.browser import BROKEN_OFF, DESKTOP, LONG_LYRICS, PHONE, Tab, tab
from tests.support.requirements import needed

pytestmark = pytest.mark.browser

KARAOKE_SECONDS = 0.1
SAMPLE = """() => {
  window.samples = [];
  const audio = document.getElementById('audio');
  const spans = Array.from(document.querySelectorAll('.syllable'));
  (function sample() {
    window.samples.push([audio.currentTime, spans.findIndex((span) => span.classList.contains('now'))]);
    requestAnimationFrame(sample);
  })();
}"""


def test_a_song_plays_before_it_is_complete(page: Tab) -> None:
    page.ask_for(lyrics=LONG_LYRICS, seconds=240)
    task_id = page.begun()

    first = page.played(0.3)
    second = page.played(first + 0.5)
    status = page.rest().ask("GET", f"/v1/audio/music/{task_id}").json["status"]
    shown = page.page.get_attribute("#playing", "data-state")

    assert second > first
    assert status == "running"
    assert shown == "running"
    page.page.click("#cancel")
    page.state("cancelled")
    page.excuse(BROKEN_OFF)


def test_syllables_are_shown_when_they_are_sung(page: Tab) -> None:
    page.ask_for(seconds=20)
    task_id = page.begun()
    page.until("() => document.querySelectorAll('.syllable').length")
    page.page.evaluate(SAMPLE)
    page.until("() => document.getElementById('audio').ended")

    found = _shown(page.page.evaluate("() => window.samples"))
    expected = _sung(page, task_id)

    assert len(expected) >= 10
    assert sorted(found) == list(range(len(expected)))
    late = [found[index][0] - start for index, (start, _) in enumerate(expected)]
    long = [found[index][1] - end for index, (_, end) in enumerate(expected)]
    assert max(map(abs, late)) <= KARAOKE_SECONDS, late
    assert max(map(abs, long)) <= KARAOKE_SECONDS, long


def _shown(samples: list[tuple[float, int]]) -> dict[int, tuple[float, float]]:
    """Return by syllable number the times at which its highlight first began and last ended, in seconds of the audio
    element. `samples` are the times of observations, each with the highlighted syllable, -1 for none.
    """
    begun: dict[int, float] = {}
    over: dict[int, float] = {}
    for (_, before), (time, now) in pairwise([(0.0, -1), *samples]):
        if now != before and now >= 0:
            begun.setdefault(now, time)
        if now != before and before >= 0:
            over[before] = time
    return {index: (start, over[index]) for index, start in begun.items()}


def _sung(page: Tab, task_id: str) -> list[tuple[float, float]]:
    """Return for each syllable the start and end at which it is sung according to the server, in seconds of the
    song.
    """
    times = []
    for _, name, data in page.rest().events(task_id):
        if name == "section":
            times += [(one["start_seconds"], one["end_seconds"]) for one in data["timings"]]
    return times


def test_what_is_heard_after_a_leap_is_that_place_of_the_song(page: Tab) -> None:
    page.ask_for(seconds=20)
    page.state("completed")
    page.played(0.2)

    off = page.page.evaluate(HEARD, 9.4)

    assert abs(off) <= KARAOKE_SECONDS
    page.excuse("ScriptProcessorNode")


# Records what the audio element gives out after a leap, and looks for it in the whole song decoded at once.
HEARD = """async (place) => {
  const audio = document.getElementById('audio');
  const slider = document.getElementById('position').getBoundingClientRect();
  const song = location.hash.slice(1);
  const context = new AudioContext({ sampleRate: 44100 });
  const bytes = await (await fetch(`/audio/${song}.mp3`)).arrayBuffer();
  const whole = (await context.decodeAudioData(bytes)).getChannelData(0);
  const source = context.createMediaElementSource(audio);
  const recorder = context.createScriptProcessor(4096, 2, 2);
  source.connect(recorder).connect(context.destination);
  document.getElementById('position').dispatchEvent(
    new MouseEvent('click', { clientX: slider.left + (slider.width * place) / 20, bubbles: true }));
  await new Promise((ok) => audio.addEventListener('playing', ok, { once: true }));
  const pieces = [];
  const [heard, shown] = await new Promise((ok) => {
    recorder.onaudioprocess = ({ inputBuffer }) => {
      pieces.push(inputBuffer.getChannelData(0).slice());
      const clock = document.getElementById('needle').style.left;
      if (pieces.length === 12) ok([pieces[11], (parseFloat(clock) / 100) * 20]);
    };
  });
  let best = [0, 0];
  const norm = Math.hypot(...heard);
  for (let at = 8 * 44100; at < 14 * 44100; at++) {
    let sum = 0, power = 0;
    for (let i = 0; i < heard.length; i += 4) (sum += heard[i] * whole[at + i]), (power += whole[at + i] ** 2);
    const likeness = sum / (norm * Math.sqrt(power) + 1e-9);
    if (likeness > best[1]) best = [at, likeness];
  }
  await context.close();
  if (best[1] < 0.4) throw new Error(`what was heard is nowhere in the song: ${best}`);
  return (best[0] + heard.length) / 44100 - 1105 / 44100 - shown;
}"""


def test_cancelling_ends_the_song(page: Tab) -> None:
    page.ask_for(lyrics=LONG_LYRICS, seconds=240)
    task_id = page.begun()
    page.played(0.2)

    page.page.click("#cancel")

    page.state("cancelled")
    assert page.text("#status") == "已取消"
    assert page.text("#estimate") == ""
    assert page.page.is_hidden("#cancel")
    assert page.rest().ask("GET", f"/v1/audio/music/{task_id}").json["status"] == "cancelled"
    page.excuse(BROKEN_OFF)


def test_a_page_loaded_anew_in_mid_song_goes_on(page: Tab) -> None:
    page.ask_for(lyrics=LONG_LYRICS, seconds=240)
    task_id = page.begun()
    page.played(2.0)

    page.page.reload()
    page.until("() => document.querySelectorAll('.syllable').length")
    before = page.page.evaluate(READY)
    page.until("() => !document.getElementById('play').disabled")
    if page.page.get_attribute("#play", "data-playing") == "false":
        page.page.click("#play")
    page.until("() => /^0:0[3-9]/.test(document.getElementById('time').textContent)")
    page.until(f"([before]) => ({READY})() > before", before)

    assert page.page.url.endswith(task_id)
    assert page.text("#style") == "流行，钢琴"
    assert page.page.evaluate("() => document.getElementById('audio').src").count("byte_offset") == 1
    assert not page.complaints
    page.page.click("#cancel")
    page.state("cancelled")
    page.excuse(BROKEN_OFF)


READY = "() => document.querySelectorAll('#sections li[data-state=ready]').length"


def test_the_score_is_one_midi_file_of_the_whole_song(page: Tab) -> None:
    page.ask_for(seconds=20)
    task_id = page.begun()
    page.state("completed")
    sections = [data for _, name, data in page.rest().events(task_id) if name == "section"]

    with page.page.expect_download() as download:
        page.page.click("#save-midi")
    file = mido.MidiFile(file=io.BytesIO(download.value.path().read_bytes()), charset="utf-8")

    assert download.value.suggested_filename == "春天醒来花就开.mid"
    texts = [message.text for track in file.tracks for message in track if message.type == "lyrics"]
    timed = [timing for section in sections for timing in section["timings"]]
    assert texts == [timing["text"] for timing in timed]
    for found, timing in zip(_lyric_seconds(file), timed, strict=True):
        assert found == pytest.approx(timing["start_seconds"], abs=0.15)
    assert len({track.name for track in file.tracks}) == len(file.tracks)
    assert file.length == pytest.approx(20, abs=3)


def _lyric_seconds(file: mido.MidiFile) -> list[float]:
    now, found = 0.0, []
    for message in file:
        now += message.time
        if message.type == "lyrics":
            found.append(now)
    return found


def test_a_song_of_before_is_opened_from_the_list(page: Tab) -> None:
    page.ask_for(seconds=10)
    first = page.begun()
    page.state("completed")
    page.page.goto(f"http://{page.address}/?")
    page.page.click(f"#history a[href='#{first}']")

    page.state("completed")
    page.played(0.2)

    for button in ("#save-mp3", "#history a[download]"):
        with page.page.expect_download() as download:
            page.page.click(button)
        size = page.rest().ask("GET", f"/v1/audio/music/{first}").json["size_bytes"]
        assert download.value.suggested_filename == "春天醒来花就开.mp3"
        assert len(download.value.path().read_bytes()) == size


def test_keys_alone_are_enough(page: Tab) -> None:
    page.page.focus("#prompt")
    page.page.keyboard.type("pop")
    page.page.focus("#generate")
    page.page.keyboard.press("Enter")
    page.state("completed")
    page.page.focus("#position")
    page.page.keyboard.press("End")
    page.page.keyboard.press("ArrowLeft")
    length = float(page.page.get_attribute("#position", "aria-valuemax"))
    page.until("([n]) => document.getElementById('position').getAttribute('aria-valuenow') >= n - 7", length)
    page.page.focus("#play")
    page.page.keyboard.press("Space")

    page.until("() => document.getElementById('audio').paused")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("viewport", [DESKTOP, PHONE], ids=["desktop", "phone"])
@pytest.mark.parametrize("locale", ["zh-CN", "en-GB"])
def test_nobody_is_left_out(browser: Any, address: str, viewport: Any, scheme: str, locale: str) -> None:
    axe = needed("axe_playwright_python.base", "pip install axe-playwright-python")
    with tab(browser, address, locale=locale, viewport=viewport, color_scheme=scheme, reduced_motion="reduce") as page:
        page.page.click("#more summary")
        page.ask_for(seconds=10)
        page.until("() => document.querySelector('.syllable.now')")
        page.until("() => document.getElementById('song').getBoundingClientRect().top < innerHeight / 2")
        page.state("completed")

        page.page.evaluate(axe.AXE_FILE_PATH.read_text("utf-8"))
        told = page.page.evaluate("() => axe.run()")
        found, looked_at = told["violations"], {one["id"] for one in told["passes"]}
        wide = page.page.evaluate("() => document.documentElement.scrollWidth - innerWidth")

        assert [(one["id"], [node["html"] for node in one["nodes"]]) for one in found] == []
        assert {"color-contrast", "label", "aria-valid-attr"} <= looked_at
        assert wide <= 0
        assert page.page.get_attribute("html", "lang") == {"zh-CN": "zh-CN", "en-GB": "en"}[locale]
