"""The recorded voice for English: spectral frames of syllable openings and endings, joined to syllables.

An opening is all before the middle of a vowel, an ending all after it; both overlap there, and are crossfaded. Final
and initial consonants, voiced and unvoiced, are frames like the vowels.
"""

import hashlib
import json
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from model.engine import EngineUnavailable
from model.studio.voice.envelope import BANDS, NOISE_HERTZ

FOLDER = Path(__file__).parent / "recordings"
TABLE_NAME, FRAMES_NAME = "units.json", "units.zlib"

OVERLAP_FRAMES = 8
"""Frames around the middle of a vowel that its opening and its ending share."""

_STEADY_FRAMES = {True: 6, False: 2}
"""Length of the part of a vowel that may be held, by whether the vowel is steady."""

DIPHTHONGS = frozenset({"ay", "aw", "oy", "ey", "ow"})
_PLAIN_VOWEL = "ah"

Coded: TypeAlias = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Unit:
    """An opening or an ending: coded frames [frames, BANDS + 6], and the frame at which they change from consonants to
    the vowel, or from the vowel to consonants.
    """

    frames: Coded
    edge: int


@dataclass(frozen=True, slots=True)
class Joined:
    """A whole syllable: frames [frames, BANDS + 6], where its vowel begins and ends, and the part that may be held."""

    frames: NDArray[np.float32]
    nucleus: int
    ending: int
    hold: tuple[int, int]


class Units:
    """Openings by their consonants and vowel ("s t r iy"), and endings by their vowel and consonants ("iy t")."""

    def __init__(
        self, openings: Mapping[str, Sequence[int]], endings: Mapping[str, Sequence[int]], coded: Coded
    ) -> None:
        """Set up the units; rows give first frame, number of frames and edge of a unit in `coded`."""
        self._openings = openings
        self._endings = endings
        self._coded = coded

    def opening(self, consonants: Sequence[str], vowel: str) -> Unit:
        """Return the opening of a syllable.

        Consonants that the table lacks together are put one after the other. Raises KeyError for an unknown phone.
        """
        if row := self._openings.get(" ".join((*consonants, vowel))):
            return self._unit(row)
        first, rest = self._unit(self._openings[f"{consonants[0]} {vowel}"]), self.opening(consonants[1:], vowel)
        return Unit(np.concatenate([first.frames[: first.edge], rest.frames]), first.edge + rest.edge)

    def ending(self, vowel: str, consonants: Sequence[str]) -> Unit:
        """Return the ending of a syllable.

        Consonants that the table lacks together are put one after the other. Raises KeyError for an unknown phone.
        """
        if row := self._endings.get(" ".join((vowel, *consonants))):
            return self._unit(row)
        rest = self.ending(vowel, consonants[:-1])
        last = self._unit(self._endings[f"{_PLAIN_VOWEL} {consonants[-1]}"])
        return Unit(np.concatenate([rest.frames, last.frames[last.edge :]]), rest.edge)

    def joined(self, before: Sequence[str], vowel: str, after: Sequence[str]) -> Joined:
        """Return the frames of a syllable: the consonants `before` its vowel, the vowel, the consonants `after` it."""
        opening, ending = self.opening(before, vowel), self.ending(vowel, after)
        left, right = opening.frames.astype(np.float32), ending.frames.astype(np.float32)
        share = (np.arange(OVERLAP_FRAMES, dtype=np.float32)[:, None] + 0.5) / OVERLAP_FRAMES
        shared = left[-OVERLAP_FRAMES:] * (1 - share) + right[:OVERLAP_FRAMES] * share
        frames = np.concatenate([left[:-OVERLAP_FRAMES], shared, right[OVERLAP_FRAMES:]])
        first = len(left) - OVERLAP_FRAMES
        steady = _STEADY_FRAMES[vowel not in DIPHTHONGS]
        low = first + (OVERLAP_FRAMES - steady) // 2
        return Joined(frames, opening.edge, first + ending.edge, (low, low + steady))

    def _unit(self, row: Sequence[int]) -> Unit:
        first, count, edge = row
        return Unit(self._coded[first : first + count], edge)


def check(folder: Path = FOLDER) -> None:
    """Find the files of the units in a folder, by default the shipped one, without opening them.

    Raises:
        EngineUnavailable: one of them is missing.
    """
    for name in (TABLE_NAME, FRAMES_NAME):
        if not (folder / name).is_file():
            raise _unavailable(f"{name} is missing")


def unpacked(data: bytes, columns: int) -> Coded:
    """Return the frames that `packed` has compressed."""
    steps = np.frombuffer(zlib.decompress(data), np.uint8).reshape(columns, -1)
    return np.ascontiguousarray(np.cumsum(steps, axis=1, dtype=np.uint8).T)


def packed(frames: Coded) -> bytes:
    """Compress coded frames, column after column, as differences from each frame to the next."""
    columns = np.ascontiguousarray(frames.T)
    return zlib.compress(np.diff(columns, axis=1, prepend=np.zeros((len(columns), 1), np.uint8)).tobytes(), 9)


@cache
def load(folder: Path = FOLDER) -> Units:
    """Open the units in a folder, by default the shipped ones; later calls return the same.

    Raises:
        EngineUnavailable: a file is missing or damaged.
    """
    try:
        table = json.loads((folder / TABLE_NAME).read_text(encoding="utf-8"))
        data = (folder / FRAMES_NAME).read_bytes()
        if hashlib.sha256(data).hexdigest() != table["sha256"]:
            raise ValueError(f"{FRAMES_NAME} does not match its checksum")
        return Units(table["openings"], table["endings"], unpacked(data, BANDS + len(NOISE_HERTZ)))
    except OSError as error:
        raise _unavailable(f"{error.filename} cannot be read ({error.strerror})") from error
    except (ValueError, KeyError, TypeError, zlib.error) as error:
        raise _unavailable(f"{TABLE_NAME} is damaged ({error})") from error


def _unavailable(reason: str) -> EngineUnavailable:
    return EngineUnavailable(
        f"the English voice of the studio engine cannot be opened: {reason}; restore "
        "model/studio/voice/english_voice/recordings from the repository, or build it anew with "
        "python -m model.training.voice.build_english_voice"
    )
