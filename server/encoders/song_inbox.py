"""The sound of one song that has come and is not encoded yet."""

from collections import deque
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

import numpy as np

from model.song import SectionScore, Window
from server.audio.chunker import slices_of
from server.encoders.section_positions import SectionPositions
from server.workers.messages import SectionKey
from server.workers.sound.messages import OpenSong, Sound


@dataclass(frozen=True, slots=True)
class EncodeWindow:
    """Sound to encode, shape [channels, samples], of so many seconds."""

    window: Window
    seconds: float


@dataclass(frozen=True, slots=True)
class EndSection:
    """All sound of a section was given out; `last` ends the song. An engine that keeps its contract makes a score."""

    index: int
    score: SectionScore | None
    last: bool


Work: TypeAlias = OpenSong | EncodeWindow | EndSection
"""The work on a song, in its order: the plan, then windows and the ends of their sections."""


class _Piece(NamedTuple):
    """A piece of a window; with `None`, the end of its section."""

    section: SectionKey
    window: Window | None


class SongInbox:
    """The sound of all attempts at one song, put into one order without repetitions.

    The sound of a new attempt may come before the rest of an earlier one, which then was sent on another link: it waits
    until the sections before it are complete.
    """

    def __init__(self, opened: OpenSong) -> None:
        self._opened: OpenSong | None = opened
        self._rate_hertz = opened.sample_rate_hertz
        self._last_index = opened.plan.sections[-1].index
        self._positions = SectionPositions()
        self._scores: dict[int, SectionScore] = {}
        self._attempts: dict[int, deque[_Piece]] = {}
        self._begun: set[int] = set()
        self.open(opened)

    def open(self, opened: OpenSong) -> None:
        """Take in sound of one more attempt."""
        self._attempts.setdefault(opened.song.attempt, deque())

    def waiting_bytes(self, attempt: int) -> int:
        """Sound of an attempt that was not taken yet."""
        pieces = self._attempts.get(attempt, ())
        return sum(piece.window.nbytes for piece in pieces if piece.window is not None)

    def put(self, sound: Sound) -> None:
        """Take in the next sound of an attempt, in pieces; that of an attempt that was not opened is dropped."""
        pieces = self._attempts.get(sound.section.song.attempt)
        if pieces is None:
            return
        if sound.score is not None:
            self._scores.setdefault(sound.section.index, sound.score)
        if sound.samples:
            first = not sound.section.index and sound.section.song.attempt not in self._begun
            self._begun.add(sound.section.song.attempt)
            parts = slices_of(sound.window, self._rate_hertz, first=first)
            pieces.extend(_Piece(sound.section, part) for part in parts)
        if sound.last:
            pieces.append(_Piece(sound.section, None))

    def take(self) -> Work | None:
        """Give out the next work; `None` where there is none for now."""
        if self._opened is not None:
            opened, self._opened = self._opened, None
            return opened
        for pieces in self._attempts.values():
            while pieces and pieces[0].section.index <= self._positions.section:
                if (work := self._work(pieces.popleft())) is not None:
                    return work
        return None

    def _work(self, piece: _Piece) -> Work | None:
        index = piece.section.index
        if piece.window is None:
            if not self._positions.end(piece.section):
                return None
            return EndSection(index, self._scores.pop(index, None), last=index == self._last_index)
        samples = piece.window.shape[1]
        new = self._positions.new_samples(piece.section, samples)
        window = np.ascontiguousarray(piece.window[:, samples - new :])
        return EncodeWindow(window, new / self._rate_hertz) if new else None
