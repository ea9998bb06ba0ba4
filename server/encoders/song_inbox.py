"""Queues the sound of one song that has arrived in an encoder process and waits to be encoded."""

from collections import deque
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

import numpy as np

from model.song import SectionScore, Window
from server.audio.chunker import cut_window
from server.encoders.section_positions import SectionPositions
from server.workers.messages import SectionKey
from server.workers.sound.messages import OpenSong, Sound


@dataclass(frozen=True, slots=True)
class EncodeWindow:
    """A window of sound to encode, shape [channels, samples], and its length in seconds."""

    window: Window
    seconds: float


@dataclass(frozen=True, slots=True)
class EndSection:
    """The end of a section's sound, in the sequence of work on a song. `last` is True at the end of the song; `score`
    has the times of the section's syllables and chords, which every engine must deliver.
    """

    index: int
    score: SectionScore | None
    last: bool


Work: TypeAlias = OpenSong | EncodeWindow | EndSection
"""One item of work on a song for its encoder. The order is: the plan, then windows and the ends of their sections."""


class _QueuedWindow(NamedTuple):
    """A window of sound that waits to be encoded. If `window` is `None`, the entry marks the end of `section`, and with
    `ends_song` that of the song.
    """

    section: SectionKey
    window: Window | None
    ends_song: bool = False


class SongInbox:
    """Queue of one song's sound, which merges the sound of all attempts at the song into one sequence without
    repetitions.

    The sound of a new attempt may arrive before the last sound of an earlier attempt, which was sent over another
    connection. The new sound then waits until the sections before it are complete.
    """

    def __init__(self, opened: OpenSong) -> None:
        self._opened: OpenSong | None = opened
        self._rate_hertz = opened.sample_rate_hertz
        self._positions = SectionPositions()
        self._scores: dict[int, SectionScore] = {}
        self._attempts: dict[int, deque[_QueuedWindow]] = {}
        self._begun: set[int] = set()
        self.open(opened)

    def open(self, opened: OpenSong) -> None:
        """Accept the sound of another attempt at the song from now on; `opened` names the attempt."""
        self._attempts.setdefault(opened.song.attempt, deque())

    def waiting_bytes(self, attempt: int) -> int:
        """Return the size in bytes of the sound of one attempt at the song that waits to be encoded."""
        queue = self._attempts.get(attempt, ())
        return sum(queued.window.nbytes for queued in queue if queued.window is not None)

    def put(self, sound: Sound) -> None:
        """Add the next sound of an attempt at the song to the queue, cut into short windows; sound of an attempt that
        was not opened is dropped.
        """
        queue = self._attempts.get(sound.section.song.attempt)
        if queue is None:
            return
        if sound.score is not None:
            self._scores.setdefault(sound.section.index, sound.score)
        if sound.samples:
            first = not sound.section.index and sound.section.song.attempt not in self._begun
            self._begun.add(sound.section.song.attempt)
            windows = cut_window(sound.window, self._rate_hertz, first=first)
            queue.extend(_QueuedWindow(sound.section, window) for window in windows)
        if sound.last:
            queue.append(_QueuedWindow(sound.section, None, sound.ends_song))

    def take(self) -> Work | None:
        """Remove and return the song's next item of work: its plan, a window of sound or the end of a section; `None`
        if nothing can be encoded now.
        """
        if self._opened is not None:
            opened, self._opened = self._opened, None
            return opened
        for queue in self._attempts.values():
            while queue and queue[0].section.index <= self._positions.section:
                if (work := self._work(queue.popleft())) is not None:
                    return work
        return None

    def _work(self, queued: _QueuedWindow) -> Work | None:
        index = queued.section.index
        if queued.window is None:
            if not self._positions.end(queued.section):
                return None
            return EndSection(index, self._scores.pop(index, None), last=queued.ends_song)
        samples = queued.window.shape[1]
        new = self._positions.new_samples(queued.section, samples)
        window = np.ascontiguousarray(queued.window[:, samples - new :])
        return EncodeWindow(window, new / self._rate_hertz) if new else None
