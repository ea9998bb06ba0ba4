"""Opens the recorded voice for English: spectral frames of syllable openings and endings, which are joined to
syllables.

An opening is the part of a syllable up to the middle of its vowel, an ending the part from there on; both overlap
around the middle and are crossfaded. Consonants, voiced and unvoiced, are stored as frames like the vowels.
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
"""Number of frames around the middle of a vowel in which the opening and the ending of a syllable overlap."""

_STEADY_FRAMES = {True: 6, False: 2}
"""Number of frames of a vowel that a long note may hold: True for a steady vowel, False for a diphthong."""

DIPHTHONGS = frozenset({"ay", "aw", "oy", "ey", "ow"})
_PLAIN_VOWEL = "ah"

Coded: TypeAlias = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Unit:
    """The opening or the ending of a syllable: encoded frames [frames, BANDS + 6]. `edge` is the frame where the vowel
    begins in an opening, or the final consonants in an ending.
    """

    frames: Coded
    edge: int


@dataclass(frozen=True, slots=True)
class Joined:
    """A whole English syllable: frames [frames, BANDS + 6], the frames where its vowel and its final consonants begin,
    and the range of frames that a long note may hold.
    """

    frames: NDArray[np.float32]
    nucleus: int
    ending: int
    hold: tuple[int, int]


class Units:
    """The recorded openings of English syllables, found by consonants and vowel ("s t r iy"), and endings, found by
    vowel and consonants ("iy t").
    """

    def __init__(
        self, openings: Mapping[str, Sequence[int]], endings: Mapping[str, Sequence[int]], coded: Coded
    ) -> None:
        """Set up the table of openings and endings. Each row of `openings` and `endings` gives the first frame of a
        recording in the encoded frames `coded`, its number of frames, and the frame where its vowel (opening) or its
        final consonants (ending) begin.
        """
        self._openings = openings
        self._endings = endings
        self._coded = coded

    def opening(self, consonants: Sequence[str], vowel: str) -> Unit:
        """Return the opening of a syllable with these initial consonants and this vowel.

        A group of consonants that was not recorded together is joined from separate recordings. Raises KeyError for an
        unknown phone.
        """
        if row := self._openings.get(" ".join((*consonants, vowel))):
            return self._unit(row)
        first, rest = self._unit(self._openings[f"{consonants[0]} {vowel}"]), self.opening(consonants[1:], vowel)
        return Unit(np.concatenate([first.frames[: first.edge], rest.frames]), first.edge + rest.edge)

    def ending(self, vowel: str, consonants: Sequence[str]) -> Unit:
        """Return the ending of a syllable with this vowel and these final consonants.

        A group of consonants that was not recorded together is joined from separate recordings. Raises KeyError for an
        unknown phone.
        """
        if row := self._endings.get(" ".join((vowel, *consonants))):
            return self._unit(row)
        rest = self.ending(vowel, consonants[:-1])
        last = self._unit(self._endings[f"{_PLAIN_VOWEL} {consonants[-1]}"])
        return Unit(np.concatenate([rest.frames, last.frames[last.edge :]]), rest.edge)

    def joined(self, before: Sequence[str], vowel: str, after: Sequence[str]) -> Joined:
        """Return the joined frames of a whole syllable: the consonants `before` its vowel, the vowel, and the
        consonants `after` it.
        """
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
    """Check that the files of the units are in a folder, by default the shipped one, without opening them.

    Raises:
        EngineUnavailable: a file is missing.
    """
    for name in (TABLE_NAME, FRAMES_NAME):
        if not (folder / name).is_file():
            raise _unavailable(f"{name} is missing")


def unpacked(data: bytes, columns: int) -> Coded:
    """Decompress the bytes that `packed` returned to encoded frames [frames, columns]."""
    steps = np.frombuffer(zlib.decompress(data), np.uint8).reshape(columns, -1)
    return np.ascontiguousarray(np.cumsum(steps, axis=1, dtype=np.uint8).T)


def packed(frames: Coded) -> bytes:
    """Compress encoded frames [frames, columns] with zlib, column after column, as differences from each frame to the
    next.
    """
    columns = np.ascontiguousarray(frames.T)
    return zlib.compress(np.diff(columns, axis=1, prepend=np.zeros((len(columns), 1), np.uint8)).tobytes(), 9)


@cache
def load(folder: Path = FOLDER) -> Units:
    """Open the speech units (recorded openings and endings of English syllables) in a folder, by default the shipped
    one; later calls for the folder return the same object.

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
