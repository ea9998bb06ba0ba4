"""The recorded voice: a take of every Mandarin syllable, analysed and coded, opened and checked once."""

import hashlib
import io
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load

from model.engine import EngineUnavailable
from model.studio.voice.envelope import BANDS
from model.studio.voice.recorded import SHIPPED, TABLE_NAME

FRAMES_NAME = "frames.safetensors"
CONSONANTS_NAME = "consonants.ogg"

ENVELOPE_STEP_DB = 0.5
ENVELOPE_LOWEST_DB = -110.0
NOISE_STEPS = 200

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Take:
    """One syllable, levelled so that all vowels are equally loud.

    Attributes:
        envelope: [frames, BANDS], power in dB of the voiced part.
        noise: [frames, 6], share of noise in the amplitude at `NOISE_HERTZ`, 0 to 1.
        nucleus: the frame where the vowel begins; frames before it are a voiced consonant.
        hold: first and last frame of the part of the vowel that a long note stays on.
        consonant: [samples] at 48 kHz, the unvoiced consonant before the first frame; may be empty.
    """

    envelope: Floats
    noise: Floats
    nucleus: int
    hold: tuple[int, int]
    consonant: Floats


class VoiceBank:
    """Every syllable of the recorded voice, by its pinyin without tone (`ü` is `v`)."""

    def __init__(self, takes: Mapping[str, Take]) -> None:
        self._takes = takes

    @classmethod
    def load(cls, path: Path | None = None) -> "VoiceBank":
        """Open the bank in the folder `path`, the shipped one by default.

        Raises:
            EngineUnavailable: a file is missing or damaged.
        """
        folder = path or SHIPPED
        try:
            table = json.loads((folder / TABLE_NAME).read_text(encoding="utf-8"))
            frames = load(_checked(folder, FRAMES_NAME, table))["frames"]
            sound, _ = soundfile.read(io.BytesIO(_checked(folder, CONSONANTS_NAME, table)), dtype="float32")
            return cls({name: _take(row, frames, sound) for name, row in table["takes"].items()})
        except OSError as error:
            raise _unavailable(f"{error.filename} cannot be read ({error.strerror})") from error
        except (ValueError, KeyError, TypeError, SafetensorError) as error:
            raise _unavailable(f"{TABLE_NAME} is damaged ({error})") from error

    @property
    def syllables(self) -> frozenset[str]:
        """Every syllable in the bank."""
        return frozenset(self._takes)

    def take(self, syllable: str) -> Take:
        """The take of a syllable. Raises KeyError if there is none."""
        return self._takes[syllable]


def _checked(folder: Path, name: str, table: Mapping[str, Any]) -> bytes:
    data = (folder / name).read_bytes()
    if hashlib.sha256(data).hexdigest() != table["sha256"][name]:
        raise _unavailable(f"{name} does not match the checksum in {TABLE_NAME}")
    return data


def _take(row: Mapping[str, Any], coded: NDArray[np.uint8], sound: Floats) -> Take:
    frames = coded[row["frame"] : row["frame"] + row["frames"]].astype(np.float32)
    return Take(
        envelope=frames[:, :BANDS] * np.float32(ENVELOPE_STEP_DB) + np.float32(ENVELOPE_LOWEST_DB),
        noise=frames[:, BANDS:] / np.float32(NOISE_STEPS),
        nucleus=row["nucleus"],
        hold=(row["hold"][0], row["hold"][1]),
        consonant=sound[row["sample"] : row["sample"] + row["samples"]],
    )


def _unavailable(reason: str) -> EngineUnavailable:
    return EngineUnavailable(
        f"the voice of the studio engine cannot be opened: {reason}; restore model/studio/voice/recordings from the "
        "repository, or build it anew with python -m model.training.voice.build_voice"
    )
