"""Tests of the path from an engine's samples to MP3, for every sample rate and number of channels of engines."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import pytest

from model.engine import EngineInfo, SectionState
from model.song import SongParams, SongPlan, Window
from server.audio.channels import as_stereo
from server.audio.mastering.mastering import InvalidWindow
from server.audio.song_encoder import SongEncoder
from server.encoders.song_inbox import SongInbox
from server.encoders.song_stream import SongStream
from server.song import AudioSettings, Chunk, Planned, SongCompleted, SongEvent
from server.workers.execution.executor import CommandExecutor
from server.workers.messages import Plan, Prepare, Render, SectionKey, SongKey, SoundTarget, Step
from tests.server.workers.test_executor import KeptLinks
from tests.support.fakes import SECTION_SECONDS, ExactEngine, params
from tests.support.sounds import decode_frames, tone
from tests.support.table import table

PITCH_HERTZ = {0: 440.0, 1: 660.0}
"""Frequency in hertz of the tone on the left (0) and the right (1) channel; mono sound has the left tone on both."""


@dataclass(frozen=True)
class ToneEngine(ExactEngine):
    """The exact engine with a constant tone on each channel, at a given sample rate."""

    rate_hertz: int
    channels: int

    def info(self) -> EngineInfo:
        return replace(super().info(), sample_rate_hertz=self.rate_hertz, channels=self.channels)

    def plan(self, params: SongParams) -> SongPlan:
        plan = super().plan(params)
        return replace(plan, engine_samples=round(plan.duration_seconds * self.rate_hertz))

    def render(self, state: SectionState) -> Iterator[Window]:
        for first in (True, False):
            seconds = SECTION_SECONDS / 4 if first else SECTION_SECONDS * 3 / 4
            tones = [tone(seconds, self.rate_hertz, PITCH_HERTZ[channel])[:1] for channel in range(self.channels)]
            yield np.concatenate(tones)


def encoded(engine: ToneEngine, audio: AudioSettings) -> list[SongEvent]:
    """Return the events of a song with one section, made by the code of a worker and of an encoder from the sound of
    `engine`, in the delivery format `audio`.
    """
    links, section = KeptLinks(), SectionKey(SongKey("a"), 0)
    executor = CommandExecutor({"exact": engine}, encoders=links)
    song = params(duration_seconds=SECTION_SECONDS)
    executor.handle(Plan(section.song, "exact", song, sound_to=SoundTarget("nowhere", audio)))
    for command in (Prepare(section), Step((section,), 4), Render(section, 99)):
        executor.handle(command)
    ((_, opened),) = links.opened
    inbox, stream = SongInbox(opened), SongStream(opened, SongEncoder)
    for sound in links.sounds:
        inbox.put(sound)
    events: list[SongEvent] = []
    while (work := inbox.take()) is not None:
        events += stream.do(work)
    return events


@table(
    ("rate_hertz", "channels", "delivered_hertz"),
    [
        (16_000, 1, 44_100),
        (16_000, 2, 48_000),
        (32_000, 1, 48_000),
        (32_000, 2, 44_100),
        (44_100, 1, 44_100),
        (44_100, 2, 48_000),
        (48_000, 1, 48_000),
        (48_000, 2, 44_100),
    ],
)
def test_every_rate_and_channel_of_an_engine_becomes_the_same_kind_of_file(
    rate_hertz: int, channels: int, delivered_hertz: int
) -> None:
    events = encoded(ToneEngine(rate_hertz, channels), AudioSettings(sample_rate_hertz=delivered_hertz))
    planned, completed = events[0], events[-1]
    assert isinstance(planned, Planned)
    assert isinstance(completed, SongCompleted)
    assert completed.sample_count == planned.sample_count == SECTION_SECONDS * delivered_hertz
    assert (planned.sample_count_exact, planned.stream_size_bytes) == (True, completed.size_bytes)
    data = b"".join(event.data for event in events if isinstance(event, Chunk))
    sound = decode_frames(data)[:, planned.delay_samples :][:, : completed.sample_count]
    assert sound.shape == (2, completed.sample_count)
    assert [pitch(channel, delivered_hertz) for channel in sound] == pytest.approx(
        [PITCH_HERTZ[0], PITCH_HERTZ[channels - 1]], abs=1.0
    )
    if channels == 1:
        np.testing.assert_array_equal(sound[0], sound[1])


def pitch(wave: np.ndarray, rate_hertz: int) -> float:
    """Return the frequency in hertz of the highest peak in the spectrum of a mono sound."""
    spectrum = np.abs(np.fft.rfft(wave * np.hanning(len(wave))))
    return float(np.argmax(spectrum)) * rate_hertz / len(wave)


def test_windows_with_other_channels_than_the_engine_tells_are_refused() -> None:
    with pytest.raises(InvalidWindow, match=r"one channel and rendered a window of sound of shape \[2, 5\]"):
        as_stereo(np.zeros((2, 5), np.float32), 1)
