"""Encodes the sound of a song and divides the encoded stream into chunks of whole frames with their position in the
song.
"""

import hashlib
import math
import time
from bisect import bisect_right
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

import numpy as np

from model.song import ChordSpan, SectionScore, SongPlan, SyllableTiming, Window
from server.audio.codecs.base import StreamEncoder
from server.audio.resampler import resampled_count
from server.song import Chunk, Marks, Planned, SectionSent, SongCompleted, SongEvent

_Timed = TypeVar("_Timed", SyllableTiming, ChordSpan)

_FIRST_SECONDS = 0.5
_SLICE_SECONDS = 1.0


def cut_window(window: Window, rate_hertz: int, *, first: bool) -> list[Window]:
    """Cut a window into equal windows of at most one second, or half a second for the `first` window of a song;
    `rate_hertz` is its sample rate.

    A short first window makes sound start early. The limit keeps chunks below 64 KiB, even at 320 kbit/s with the
    longest lyrics in the first chunk's tag.
    """
    longest = (_FIRST_SECONDS if first else _SLICE_SECONDS) * rate_hertz
    return np.array_split(window, max(1, math.ceil(window.shape[1] / longest)), axis=1)


def planned_samples(plan: SongPlan, source_rate_hertz: int, rate_hertz: int) -> int:
    """Return the number of samples per channel of a planned song at the delivered rate; an upper bound if the plan does
    not give the exact length.
    """
    fed = plan.engine_samples
    if fed is None:
        fed = math.ceil(plan.duration_seconds * source_rate_hertz)
    return resampled_count(fed, source_rate_hertz, rate_hertz)


def moved(score: SectionScore, early_seconds: float) -> SectionScore:
    """Return the score of a section (times of its syllables and chords) with all times earlier by `early_seconds`. This
    is needed if sections before it were shorter than planned.
    """
    if early_seconds <= 0.0:
        return score

    def earlier(one: _Timed) -> _Timed:
        start, end = one.start_seconds - early_seconds, one.end_seconds - early_seconds
        return replace(one, start_seconds=start, end_seconds=end)

    return replace(score, timings=tuple(map(earlier, score.timings)), chords=tuple(map(earlier, score.chords)))


class Chunker:
    """Encodes the sound of one song and divides the encoded stream into chunks. Every method returns the song's new
    events (plan, chunks, ends of sections). Use a chunker in one thread at a time.
    """

    def __init__(
        self,
        encoder: StreamEncoder,
        plan: SongPlan,
        source_rate_hertz: int,
        rate_hertz: int,
        marks: Marks | None = None,
    ) -> None:
        """Set up the chunker of a song that is rendered at `source_rate_hertz` and delivered at `rate_hertz`.

        `marks` are the marks of generated sound that `encoder` writes into the file; they are part of the first event.
        """
        self._encoder = encoder
        self._plan = plan
        self._marks = marks
        self._ends: list[float] = []
        self._section = 0
        self._source_rate_hertz = source_rate_hertz
        self._rate_hertz = rate_hertz
        self._fed_samples = 0
        self._ended_samples = 0
        self._unsent: deque[SectionSent] = deque()
        self._sequence = 0
        self._size_bytes = 0
        self._sent_samples = 0
        self._digest = hashlib.sha256()
        self._encoding_seconds = 0.0

    @property
    def digest(self) -> bytes:
        """The SHA-256 of all encoded bytes so far, 32 bytes."""
        return self._digest.digest()

    def planned(self) -> list[SongEvent]:
        """Return the first event of the song, which has the song's plan and the size of the stream."""
        sample_count = planned_samples(self._plan, self._source_rate_hertz, self._rate_hertz)
        return [
            Planned(
                self._plan,
                self._encoder.delay_samples,
                sample_count,
                sample_count_exact=self._plan.engine_samples is not None,
                stream_size_bytes=self._encoder.stream_bytes,
                marks=self._marks,
            )
        ]

    def feed(self, window: Window) -> list[SongEvent]:
        """Encode the next window of sound, shape [2, samples] at the source rate, and return the resulting events of
        the song.
        """
        self._fed_samples += window.shape[1]
        self._section = len(self._ends)
        return [*self._chunk(lambda: self._encoder.feed(window)), *self._sections_sent()]

    def end_section(self, index: int, score: SectionScore) -> list[SongEvent]:
        """Record that all sound of section `index` was fed; `score` has the times of its syllables and chords. The
        event for the end of the section is returned as soon as the section's last sample has been encoded, by this call
        or by a later call of any method.
        """
        start_seconds = self._ended_samples / self._source_rate_hertz
        duration_seconds = self._fed_samples / self._source_rate_hertz - start_seconds
        self._ended_samples = self._fed_samples
        self._ends.append(start_seconds + duration_seconds)
        early = self._plan.sections[index].start_seconds - start_seconds if self._plan.engine_samples is None else 0.0
        self._unsent.append(SectionSent(index, start_seconds, duration_seconds, moved(score, early)))
        return self._sections_sent()

    def finish(self) -> list[SongEvent]:
        """Encode the remaining sound, and return the song's last events: chunk, ends of sections and completion."""
        events = self._chunk(self._encoder.finish)
        events += self._unsent
        sample_count = self._encoder.sample_count
        completed = SongCompleted(
            duration_seconds=sample_count / self._rate_hertz,
            sample_count=sample_count,
            size_bytes=self._size_bytes,
            sha256=self._digest.hexdigest(),
            queued_seconds=0.0,
            denoising_seconds=0.0,
            rendering_seconds=0.0,
            encoding_seconds=self._encoding_seconds,
        )
        return [*events, completed]

    def _chunk(self, encode: Callable[[], bytes]) -> list[SongEvent]:
        started, sample_offset = time.perf_counter(), self._encoder.frames * self._encoder.samples_per_frame
        data = encode()
        self._encoding_seconds += time.perf_counter() - started
        if not data:
            return []
        start_seconds, self._sent_samples = self._sent_samples / self._rate_hertz, self._samples_given_out()
        duration_seconds = self._sent_samples / self._rate_hertz - start_seconds
        section = self._section_at(start_seconds)
        chunk = Chunk(self._sequence, data, section, start_seconds, duration_seconds, self._size_bytes, sample_offset)
        self._sequence += 1
        self._size_bytes += len(data)
        self._digest.update(data)
        return [chunk]

    def _samples_given_out(self) -> int:
        encoded = self._encoder.frames * self._encoder.samples_per_frame - self._encoder.delay_samples
        fed = round(self._fed_samples / self._source_rate_hertz * self._rate_hertz)
        return max(0, min(encoded, fed))

    def _section_at(self, seconds: float) -> int:
        """Return the index of the section to which the sound at `seconds` from the song's beginning belongs."""
        return self._plan.sections[min(bisect_right(self._ends, seconds), self._section)].index

    def _sections_sent(self) -> list[SongEvent]:
        sent: list[SongEvent] = []
        while self._unsent and self._end_samples(self._unsent[0]) <= self._sent_samples:
            sent.append(self._unsent.popleft())
        return sent

    def _end_samples(self, section: SectionSent) -> int:
        return round((section.start_seconds + section.duration_seconds) * self._rate_hertz)
