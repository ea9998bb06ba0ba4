"""Builds the shipped voice from recorded syllables.

Run with `python -m model.training.voice.build_voice FOLDER`, a folder of `cmn-NAME1.mp3` to `cmn-NAME4.mp3` files, one
for each tone; the data files of `model/studio/voice/recordings/` are rewritten. The program needs the package pyworld.
The same recordings give the same frames; another version of the Ogg encoder may round its bytes differently.
"""

import argparse
import hashlib
import io
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from numpy.typing import NDArray

from model.studio.voice.bank import (
    CONSONANTS_NAME,
    ENVELOPE_LOWEST_DB,
    ENVELOPE_STEP_DB,
    FRAMES_NAME,
    NOISE_STEPS,
    packed,
)
from model.studio.voice.recorded import TABLE_NAME
from model.training.voice.aspiration import is_aspirated, lenders
from model.training.voice.loudness import VOWEL_LEVEL_DB, loudness_db
from model.training.voice.syllable_takes import SAMPLE_RATE_HERTZ, SyllableTake, analyse
from model.training.voice.syllables import initial_of

_CONSONANT_DB = 44.7
"""Gain in dB that brings consonants to the level at which the synthesis renders vowels, about -20 dBFS."""

_EVENNESS = 0.75
"""Share of the fall in level after the held part of a vowel that is compensated."""

_LONGEST_SECONDS = {"stop": 0.13, "affricate": 0.21, "fricative": 0.24}
_KINDS = {
    **dict.fromkeys(("b", "d", "g", "p", "t", "k"), "stop"),
    **dict.fromkeys(("z", "zh", "j", "c", "ch", "q"), "affricate"),
    **dict.fromkeys(("f", "s", "sh", "x", "h"), "fricative"),
}
_CONSONANT_RANGE_DB = {"stop": (-30.0, -9.0), "affricate": (-22.0, -9.0), "fricative": (-24.0, -10.0)}
"""Range of a consonant's level relative to its vowel, in dB; the variation in recordings is too large for a mix."""

_NASAL_BELOW_DB, _NASAL_EVENNESS = 3.0, 0.7
"""Largest difference in dB by which a voiced consonant may be softer than its vowel, and the share of any excess that
is compensated.
"""

_TONES = (1, 2, 3, 4)
_OWN_CONSONANTS = (1, 4)
"""Tones whose recordings keep their unvoiced consonants; recordings of other tones use those of the first tone."""

_SHORTEST_FRAMES, _SHORTEST_HOLD = 26, 3
_UNLIKE_DB = 8.0
"""Largest spectral difference in dB (RMS below 6 kHz) of a recording's vowel from that of the first tone; other
recordings are left out.
"""

_FADE_SAMPLES = SAMPLE_RATE_HERTZ // 100
_SILENCE_SAMPLES = SAMPLE_RATE_HERTZ // 50


def build(recordings: Path, folder: Path) -> dict[str, Any]:
    """Analyse all recordings and write the data of the recorded voice into `folder`; return the table of the
    recordings.
    """
    takes = _takes(recordings)
    frames = packed(np.concatenate([_coded(take) for take in takes.values()]))
    consonants = _encoded(takes)
    table: dict[str, Any] = {"sha256": {}, "takes": _rows(takes)}
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in ((FRAMES_NAME, frames), (CONSONANTS_NAME, consonants)):
        (folder / name).write_bytes(data)
        table["sha256"][name] = hashlib.sha256(data).hexdigest()
    rows = ",\n".join(f"  {json.dumps(name)}: {json.dumps(found)}" for name, found in table["takes"].items())
    text = f'{{"sha256": {json.dumps(table["sha256"])},\n "takes": {{\n{rows}\n}}}}\n'
    (folder / TABLE_NAME).write_text(text, encoding="utf-8")
    return table


def _takes(recordings: Path) -> dict[tuple[str, int], SyllableTake]:
    """Return the recordings to keep, by syllable and tone: all of the first tone, and recordings of other tones that
    resemble that of the first tone.
    """
    spoken = _with_lent_consonants(_spoken(recordings, 1))
    out = {(name, 1): take for name, take in spoken.items()}
    for tone in _TONES[1:]:
        for name, take in _spoken(recordings, tone).items():
            if name in spoken and _is_alike(take, spoken[name]):
                own = tone in _OWN_CONSONANTS and is_aspirated(name, len(take.consonant) / SAMPLE_RATE_HERTZ)
                consonant = take.consonant if own and len(take.consonant) else spoken[name].consonant
                out[name, tone] = replace(take, consonant=consonant)
    return dict(sorted(out.items()))


def _spoken(recordings: Path, tone: int) -> dict[str, SyllableTake]:
    """Return the analysed recording of every syllable in one tone; recordings without a voiced sound are printed and
    left out.
    """
    out = {}
    for path in sorted(recordings.glob(f"cmn-*{tone}.mp3")):
        name = path.stem.removeprefix("cmn-")[:-1]
        if name.startswith("_"):  # not a Mandarin syllable
            continue
        try:
            out[name] = _levelled(analyse(_read(path), name), name)
        except ValueError as error:
            print(f"{path.name} is left out: {error}")
    return out


def _is_alike(take: SyllableTake, first: SyllableTake) -> bool:
    """Return True if a recording is long enough to be sung, and its steady vowel resembles that of the first tone."""
    if len(take.envelope) - take.nucleus < _SHORTEST_FRAMES or take.hold[1] - take.hold[0] < _SHORTEST_HOLD:
        return False
    vowels = [one.envelope[one.hold[0] : one.hold[1] + 1, :46].mean(0) for one in (take, first)]
    return float(np.std(vowels[0] - vowels[1])) < _UNLIKE_DB and (take.nucleus > 0) == (first.nucleus > 0)


def _read(path: Path) -> NDArray[np.float64]:
    sound, rate_hertz = soundfile.read(path, always_2d=True)
    if rate_hertz != SAMPLE_RATE_HERTZ:
        raise ValueError(f"{path} is sampled at {rate_hertz} Hz: convert it to {SAMPLE_RATE_HERTZ} Hz")
    mono: NDArray[np.float64] = sound.mean(1)
    return mono


def _levelled(take: SyllableTake, name: str) -> SyllableTake:
    """Return the recording of the syllable `name` with its vowel at the level `VOWEL_LEVEL_DB`, the end of the vowel
    made louder, and the level of the consonant limited.
    """
    level = loudness_db(take.envelope)
    held = float(level[take.hold[0] : take.hold[1] + 1].mean())
    lift = np.zeros(len(level))
    lift[take.hold[1] :] = _EVENNESS * np.maximum(held - level[take.hold[1] :], 0.0)
    lift[: take.nucleus] = _NASAL_EVENNESS * np.maximum(held - _NASAL_BELOW_DB - level[: take.nucleus], 0.0)
    envelope = take.envelope + (VOWEL_LEVEL_DB - held + lift)[:, None]
    consonant = (
        _trimmed(take.consonant, name)
        * _consonant_gain(take, name)
        * 10 ** ((VOWEL_LEVEL_DB - held + _CONSONANT_DB) / 20)
    )
    return replace(take, envelope=envelope, consonant=consonant)


def _with_lent_consonants(takes: Mapping[str, SyllableTake]) -> dict[str, SyllableTake]:
    """Return the recordings; a consonant that lacks aspiration is replaced by the consonant of another recording."""
    seconds = {name: len(take.consonant) / SAMPLE_RATE_HERTZ for name, take in takes.items()}
    vowels = {name: take.envelope[take.hold[0]] for name, take in takes.items()}
    lent = lenders(seconds, vowels)
    return {name: replace(take, consonant=takes[lent.get(name, name)].consonant) for name, take in takes.items()}


def _consonant_gain(take: SyllableTake, name: str) -> float:
    """Return the factor for the waveform of the initial consonant of the syllable `name` that brings its loudest 20 ms
    into the allowed range of levels below the vowel.
    """
    if not len(take.consonant):
        return 1.0
    window = min(SAMPLE_RATE_HERTZ // 50, len(take.consonant))
    loudest = np.convolve(take.consonant**2, np.ones(window) / window, "valid").max()
    relative_db = 10 * math.log10(loudest / take.vowel_rms**2)
    softest_db, loudest_db = _CONSONANT_RANGE_DB[_KINDS[initial_of(name)]]
    wanted_db = min(max(relative_db, softest_db), loudest_db)
    return float(10 ** ((wanted_db - relative_db) / 20))


def _trimmed(consonant: NDArray[np.float64], name: str) -> NDArray[np.float64]:
    """Return the initial consonant of the syllable `name`, shortened for singing: a fricative without its beginning,
    any other consonant without its middle.
    """
    if not len(consonant):
        return consonant
    kind = _KINDS[initial_of(name)]
    longest = round(_LONGEST_SECONDS[kind] * SAMPLE_RATE_HERTZ)
    if len(consonant) > longest:
        consonant = consonant[-longest:] if kind == "fricative" else _shortened(consonant, longest)
    return consonant


def _shortened(sound: NDArray[np.float64], length: int) -> NDArray[np.float64]:
    """Return a consonant shortened to `length` samples: the burst at its beginning, then, crossfaded, its end."""
    head = min(SAMPLE_RATE_HERTZ // 40, length // 2)
    tail = sound[len(sound) - (length - head) - _FADE_SAMPLES :].copy()
    ramp = np.linspace(0, 1, _FADE_SAMPLES)
    tail[:_FADE_SAMPLES] = sound[head : head + _FADE_SAMPLES] * (1 - ramp) + tail[:_FADE_SAMPLES] * ramp
    return np.concatenate([sound[:head], tail[: length - head]])


def _coded(take: SyllableTake) -> NDArray[np.uint8]:
    """Return the frames of a recording encoded as bytes [frames, BANDS + 6]."""
    envelope = (take.envelope - ENVELOPE_LOWEST_DB) / ENVELOPE_STEP_DB
    return np.concatenate([envelope, take.noise * NOISE_STEPS], axis=1).round().clip(0, 255).astype(np.uint8)


def _rows(takes: Mapping[tuple[str, int], SyllableTake]) -> dict[str, list[dict[str, Any]]]:
    """Return the table rows of every syllable: the position of each recording in the data files, its vowel and its
    steady part, its tone and its pitch in hertz.
    """
    rows: dict[str, list[dict[str, Any]]] = {}
    starts = dict(zip(map(id, _consonants(takes)), _starts(_consonants(takes)), strict=True))
    frame = 0
    for (name, tone), take in takes.items():
        row = {
            "frame": frame,
            "frames": len(take.envelope),
            "nucleus": take.nucleus,
            "hold": list(take.hold),
            "sample": starts.get(id(take.consonant), 0),
            "samples": len(take.consonant),
            "tone": tone,
            "hertz": round(take.f0_hertz, 1),
        }
        rows.setdefault(name, []).append(row)
        frame += len(take.envelope)
    return rows


def _consonants(takes: Mapping[tuple[str, int], SyllableTake]) -> list[NDArray[np.float64]]:
    """Return the waveform of every consonant once, in order; several recordings may share one consonant."""
    return list({id(take.consonant): take.consonant for take in takes.values() if len(take.consonant)}.values())


def _starts(consonants: Sequence[NDArray[np.float64]]) -> list[int]:
    """Return the sample at which each consonant begins in the common sound file, in which the consonants are separated
    by silence.
    """
    return [0, *np.cumsum([len(sound) + _SILENCE_SAMPLES for sound in consonants]).tolist()][:-1]


def _encoded(takes: Mapping[tuple[str, int], SyllableTake]) -> bytes:
    """Return the waveforms of all consonants, separated by silence, as the bytes of one Ogg Vorbis stream."""
    silence = np.zeros(_SILENCE_SAMPLES)
    sound = np.concatenate([part for consonant in _consonants(takes) for part in (consonant, silence)])
    buffer = io.BytesIO()
    with soundfile.SoundFile(
        buffer, "w", SAMPLE_RATE_HERTZ, 1, format="OGG", subtype="VORBIS", compression_level=0.3
    ) as file:
        for start in range(0, len(sound), SAMPLE_RATE_HERTZ):  # a long write overflows libsndfile's stack
            file.write(sound[start : start + SAMPLE_RATE_HERTZ])
    return buffer.getvalue()


def main() -> None:
    """Command line: build the data files of the recorded voice, and print their size."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recordings", type=Path, help="folder with cmn-NAME1.mp3 to cmn-NAME4.mp3 files at 48 kHz")
    default = Path(__file__).parents[2] / "studio" / "voice" / "recordings"
    parser.add_argument("--out", type=Path, default=default, help="folder to write (default: the shipped one)")
    arguments = parser.parse_args()
    table = build(arguments.recordings, arguments.out)
    size = sum(path.stat().st_size for path in arguments.out.iterdir())
    count = sum(map(len, table["takes"].values()))
    print(f"{count} takes of {len(table['takes'])} syllables, {size / 2**20:.1f} MiB in {arguments.out}")


if __name__ == "__main__":
    main()
