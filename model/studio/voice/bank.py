"""Opens the recorded singing voice: recordings ("takes") of every Mandarin syllable, stored as spectral frames. The
files are opened and checked once.
"""

import hashlib
import io
import json
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from numpy.typing import NDArray

from model.engine import EngineUnavailable
from model.studio.voice.english_voice import units
from model.studio.voice.english_voice.names import apart, is_english
from model.studio.voice.envelope import BANDS, NOISE_HERTZ
from model.studio.voice.recorded import SHIPPED, TABLE_NAME

FRAMES_NAME = "frames.zlib"
CONSONANTS_NAME = "consonants.ogg"

ENVELOPE_STEP_DB = 0.5
ENVELOPE_LOWEST_DB = -110.0
NOISE_STEPS = 200
_ENGLISH_HERTZ = 190.0
_VOICED_NOISE = 0.5
_KEPT_SYLLABLES = 512
"""Number of joined English syllables in the cache; the memory for all of them would be too large."""


Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Take:
    """One recording of a syllable, with its level adjusted so that all vowels are equally loud.

    Attributes:
        envelope: [frames, BANDS], power in dB of the voiced part.
        noise: [frames, 6], share of noise in the amplitude at `NOISE_HERTZ`, 0 to 1.
        nucleus: the frame where the vowel begins; the frames before the vowel are a voiced consonant.
        hold: first and last frame of the steady part of the vowel, which a long note sustains.
        consonant: [samples] at 48 kHz, the unvoiced consonant before the first frame; may be empty.
        tone: the lexical tone in which the syllable was spoken, 1 to 4.
        hertz: median fundamental frequency of the recording.
        ending: the frame where the final consonants of an English syllable begin, whose frames include unvoiced
            consonants; `None` for a Mandarin syllable.
    """

    envelope: Floats
    noise: Floats
    nucleus: int
    hold: tuple[int, int]
    consonant: Floats
    tone: int
    hertz: float
    ending: int | None = None

    @property
    def closes(self) -> bool:
        """True if the last frames of this take are the final consonants of an English syllable."""
        return self.ending is not None and self.ending < len(self.envelope)

    def is_voiced(self, frame: int) -> bool:
        """Return True if the frame with index `frame` is voiced (has a fundamental frequency); only frames of English
        syllables may be unvoiced.
        """
        return self.ending is None or bool(self.noise[frame, 0] < _VOICED_NOISE)


class VoiceBank:
    """The recordings (takes) of all Mandarin syllables, found by pinyin without tone (`ü` is `v`). Each syllable has
    takes in one to four tones.

    A recording is decoded when it is first sung.
    """

    def __init__(
        self, rows: Mapping[str, Sequence[Mapping[str, Any]]], coded: NDArray[np.uint8], sound: Floats
    ) -> None:
        """Set up the bank. `rows` give the position of each take in `coded`, the encoded frames of all takes, and in
        `sound`, the samples of all unvoiced consonants.
        """
        self._rows = rows
        self._coded = coded
        self._sound = sound
        self._opened: dict[str, tuple[Take, ...]] = {}

    @classmethod
    def load(cls, path: Path | None = None) -> "VoiceBank":
        """Open the recorded voice in the folder `path`, by default the shipped one.

        Raises:
            EngineUnavailable: a file is missing or damaged.
        """
        folder = path or SHIPPED
        try:
            table = json.loads((folder / TABLE_NAME).read_text(encoding="utf-8"))
            frames = unpacked(_checked(folder, FRAMES_NAME, table))
            sound, _ = soundfile.read(io.BytesIO(_checked(folder, CONSONANTS_NAME, table)), dtype="float32")
            return cls({name: _complete(rows) for name, rows in table["takes"].items()}, frames, sound)
        except OSError as error:
            raise _unavailable(f"{error.filename} cannot be read ({error.strerror})") from error
        except (ValueError, KeyError, TypeError, zlib.error) as error:
            raise _unavailable(f"the file {TABLE_NAME} is damaged ({error})") from error

    @property
    def syllables(self) -> frozenset[str]:
        """The pinyin of every syllable in the bank."""
        return frozenset(self._rows)

    def takes(self, syllable: str) -> tuple[Take, ...]:
        """Return the takes of a syllable, given as pinyin without tone; the take in the first tone comes first. An
        English syllable ("/l ah v") has one take.

        Raises KeyError if the syllable has no take.
        """
        if is_english(syllable):
            return (_english_take(syllable),)
        found = self._opened.get(syllable)
        if found is None:
            found = tuple(_take(row, self._coded, self._sound) for row in self._rows[syllable])
            self._opened[syllable] = found
        return found

    def take(self, syllable: str) -> Take:
        """Return the first take of a syllable, which is in the first tone if there is one. Raises KeyError if the
        syllable has no take.
        """
        return self.takes(syllable)[0]


def packed(frames: NDArray[np.uint8]) -> bytes:
    """Compress encoded voice frames [frames, BANDS + 6] with zlib, as differences from each frame to the next."""
    return zlib.compress(np.diff(frames, axis=0, prepend=np.zeros((1, frames.shape[1]), np.uint8)).tobytes(), 9)


def unpacked(data: bytes) -> NDArray[np.uint8]:
    """Decompress the bytes that `packed` returned to encoded voice frames [frames, BANDS + 6]."""
    steps = np.frombuffer(zlib.decompress(data), np.uint8).reshape(-1, BANDS + len(NOISE_HERTZ))
    return np.cumsum(steps, axis=0, dtype=np.uint8)


_FIELDS = frozenset({"frame", "frames", "nucleus", "hold", "sample", "samples", "tone", "hertz"})


def _complete(rows: Sequence[Mapping[str, Any]]) -> Sequence[Mapping[str, Any]]:
    for row in rows:
        if missing := _FIELDS - set(row):
            raise ValueError(f"the recording {dict(row)} lacks the value {min(missing)!r}")
    return rows


def _checked(folder: Path, name: str, table: Mapping[str, Any]) -> bytes:
    data = (folder / name).read_bytes()
    if hashlib.sha256(data).hexdigest() != table["sha256"][name]:
        raise _unavailable(f"the file {name} does not match its checksum in {TABLE_NAME}")
    return data


def _take(row: Mapping[str, Any], coded: NDArray[np.uint8], sound: Floats) -> Take:
    frames = coded[row["frame"] : row["frame"] + row["frames"]].astype(np.float32)
    return Take(
        envelope=_envelope_db(frames),
        noise=frames[:, BANDS:] / np.float32(NOISE_STEPS),
        nucleus=row["nucleus"],
        hold=(row["hold"][0], row["hold"][1]),
        consonant=sound[row["sample"] : row["sample"] + row["samples"]],
        tone=row["tone"],
        hertz=row["hertz"],
    )


@lru_cache(_KEPT_SYLLABLES)
def _english_take(unit: str) -> Take:
    joined = units.load().joined(*apart(unit))
    return Take(
        envelope=_envelope_db(joined.frames),
        noise=joined.frames[:, BANDS:] / np.float32(NOISE_STEPS),
        nucleus=joined.nucleus,
        hold=joined.hold,
        consonant=np.empty(0, np.float32),
        tone=1,
        hertz=_ENGLISH_HERTZ,
        ending=joined.ending,
    )


def _envelope_db(coded: Floats) -> Floats:
    return coded[:, :BANDS] * np.float32(ENVELOPE_STEP_DB) + np.float32(ENVELOPE_LOWEST_DB)


def _unavailable(reason: str) -> EngineUnavailable:
    return EngineUnavailable(
        f"the voice of the studio engine cannot be opened: {reason}; restore model/studio/voice/recordings from the "
        "repository, or build it anew with python -m model.training.voice.build_voice"
    )
