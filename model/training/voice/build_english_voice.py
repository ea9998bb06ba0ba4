"""Builds the shipped voice for English from a statistical voice of the CMU ARCTIC databases.

Run with `python -m model.training.voice.build_english_voice SPEECH`, the folder for the synthesised speech; the program
rewrites the data files of `model/studio/voice/english_voice/recordings/`. The module `english_speech` names the
programs and packages that are needed. The spectrum is equalised to that of the Mandarin voice, so that both sound like
one singer.
"""

import argparse
import hashlib
import json
import lzma
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from model.studio.voice import english
from model.studio.voice.bank import ENVELOPE_LOWEST_DB, ENVELOPE_STEP_DB, NOISE_STEPS, VoiceBank
from model.studio.voice.english import PHONE_CODES, VOWELS
from model.studio.voice.english_voice.units import (
    DIPHTHONGS,
    FOLDER,
    FRAMES_NAME,
    OVERLAP_FRAMES,
    TABLE_NAME,
    packed,
)
from model.training.voice.english_speech import REDUCED, Phrase, Spoken, speak
from model.training.voice.loudness import VOWEL_LEVEL_DB, loudness_db

Floats = NDArray[np.float64]
Phones = tuple[str, ...]

_REDUCED_DB = 2.0
"""Level in dB by which unstressed vowels are softer than stressed ones."""

_RAREST = 2
"""Smallest number of syllables in the dictionary for which a syllable half with several consonants is built."""

_CUT, _DIPHTHONG_CUT, _LIQUID_CUT = 0.5, 0.33, 0.4
_SHORTEST_VOWEL = 2 * OVERLAP_FRAMES
_SONORANTS = frozenset({"m", "n", "ng", "l", "r", "w", "y"})
_COLOURS = 9
"""Number of cosines that describe the spectral difference between the two voices."""

_ALIKE: Mapping[str, str] = {
    "aa": "a",
    "ay": "ai",
    "ey": "ei",
    "aw": "ao",
    "ow": "ou",
    "iy": "yi",
    "uw": "wu",
    "ao": "wo",
    "ah": "a",
    "eh": "ye",
    "er": "er",
}
"""For each of some English vowels, the Mandarin syllable whose held vowel sounds like the beginning of that vowel."""

_RANGES_DB: Mapping[str, tuple[float, float]] = {
    **dict.fromkeys(("s", "z", "sh", "zh", "ch", "jh"), (-18.0, -7.0)),
    **dict.fromkeys(("f", "th", "v", "dh", "hh"), (-15.0, -7.0)),
    **dict.fromkeys(("p", "t", "k"), (-13.0, -6.0)),
    **dict.fromkeys(("b", "d", "g"), (-13.0, 0.0)),
}
"""Range of the loudness of consonants relative to their vowel, in dB; the variation in speech is too large for
a song.
"""

_PEAK_FRAMES, _RAMP_FRAMES = 4, 5

_BUZZ: Mapping[str, tuple[float, ...]] = {
    **dict.fromkeys(("z", "zh", "jh"), (0.1, 0.35, 0.8, 0.97, 0.99, 0.99)),
    **dict.fromkeys(("v", "dh"), (0.08, 0.3, 0.6, 0.85, 0.95, 0.97)),
    "hh": (0.4, 0.7, 0.8, 0.9, 0.95, 0.97),
}
"""Share of noise, 0 to 1, in voiced frames of fricatives, at the frequencies `NOISE_HERTZ`."""


@dataclass(frozen=True, slots=True)
class _Cut:
    """The first or second half of a syllable as frames: envelope in dB, share of noise, and the frame where the vowel
    begins (first half) or ends (second half).
    """

    envelope: Floats
    noise: Floats
    edge: int


def wanted() -> tuple[list[Phones], list[Phones]]:
    """Return the phones of syllable halves to record: the openings (up to the vowel) and endings (from the vowel on) of
    English words, and every consonant before and after every vowel.
    """
    openings: Counter[Phones] = Counter()
    endings: Counter[Phones] = Counter()
    for syllable in _syllables():
        nucleus = next(i for i, phone in enumerate(syllable) if phone in VOWELS)
        openings[syllable[: nucleus + 1]] += 1
        endings[syllable[nucleus:]] += 1
    single = [(consonant, vowel) for consonant in PHONE_CODES if consonant not in VOWELS for vowel in VOWELS]
    alone = {(vowel,) for vowel in VOWELS}
    first = {phones for phones, count in openings.items() if count >= _RAREST}
    last = {phones for phones, count in endings.items() if count >= _RAREST}
    return (
        sorted(first | alone | set(single)),
        sorted(last | alone | {(vowel, consonant) for consonant, vowel in single}),
    )


def _syllables() -> Iterator[Phones]:
    phones = {code: phone for phone, code in PHONE_CODES.items()}
    for line in lzma.decompress(english.DICTIONARY.read_bytes()).decode("ascii").split():
        yield from english.syllables(tuple(phones[code] for code in line.partition(":")[2]))


def build(speech: Path, folder: Path) -> dict[str, dict[str, list[int]]]:
    """Synthesise all syllable halves with the statistical voice, and write the data of the English voice into `folder`.
    The speech files are kept in `speech`.

    Returns the table of the halves, as `assemble` does.
    """
    openings, endings = wanted()
    phrases = [Phrase((*unit, "d"), "say", "again") for unit in openings]
    phrases += [Phrase(("hh", *unit), "say", "here") for unit in endings]
    return assemble(openings, endings, list(speak(phrases, speech)), folder)


def assemble(
    openings: list[Phones], endings: list[Phones], spoken: list[Spoken], folder: Path
) -> dict[str, dict[str, list[int]]]:
    """Cut the syllable halves out of the spoken words, and write the data of the English voice into `folder`.

    Returns for "openings" and "endings" the position of each half, by its phones: its first frame in the data, its
    number of frames, and the frame where the vowel begins or ends.
    """
    cuts = [_opening(unit, one) for unit, one in zip(openings, spoken[: len(openings)], strict=True)]
    cuts += [_ending(unit, one) for unit, one in zip(endings, spoken[len(openings) :], strict=True)]
    last = zip(endings, cuts[len(openings) :], strict=True)
    colour = _colour_db({unit[0]: cut for unit, cut in last if len(unit) == 1})
    coded = [_coded(cut, colour) for cut in cuts]
    return _written(folder, [*openings, *endings], len(openings), cuts, coded)


def _opening(unit: Phones, spoken: Spoken) -> _Cut:
    """Return the first half of a spoken syllable: everything up to the middle of its vowel. `unit` are the phones of
    this half.
    """
    spoken = lengthened(spoken, len(unit) - 1)
    nucleus, end = (0, *spoken.ends)[len(unit) - 1 : len(unit) + 1]
    noise = _noise(unit, spoken)
    if unit[0] in _SONORANTS | VOWELS:
        noise[: spoken.ends[0]] = _vowel_noise()
    stop = _middle(unit, nucleus, end) + OVERLAP_FRAMES // 2
    envelope = _levelled(unit, spoken, slice(stop - OVERLAP_FRAMES, stop))
    return _Cut(envelope[:stop], noise[:stop], nucleus)


def _ending(unit: Phones, spoken: Spoken) -> _Cut:
    """Return the second half of a spoken syllable: everything from the middle of its vowel on. `unit` are the phones of
    this half. The spoken word begins with an additional "hh".
    """
    spoken, phones = lengthened(spoken, 1), ("hh", *unit)
    begin, edge = spoken.ends[:2]
    first = _middle(unit, begin, edge) - OVERLAP_FRAMES // 2
    envelope = _levelled(phones, spoken, slice(first, first + OVERLAP_FRAMES))
    return _Cut(envelope[first:], _noise(phones, spoken)[first:], edge - first)


def _middle(unit: Phones, first: int, stop: int) -> int:
    """Return the frame, among the frames [first, stop) of a vowel, at which the syllable is divided into its two
    halves; `unit` are the phones of one of them.
    """
    if DIPHTHONGS & set(unit):
        share = _DIPHTHONG_CUT
    else:
        share = _LIQUID_CUT if unit[0] in VOWELS and {"r", "l"} & set(unit[1:2]) else _CUT
    return min(max(first + round(share * (stop - first)), first + OVERLAP_FRAMES // 2), stop - OVERLAP_FRAMES // 2)


def lengthened(spoken: Spoken, place: int) -> Spoken:
    """Return a spoken word in which phone number `place`, the vowel, is stretched to at least `_SHORTEST_VOWEL`
    frames.
    """
    first, stop = (0, *spoken.ends)[place : place + 2]
    more = max(_SHORTEST_VOWEL - (stop - first), 0)
    path = np.concatenate(
        [
            np.arange(first),
            np.linspace(first, stop - 1, stop - first + more).round().astype(np.int64),
            np.arange(stop, len(spoken.voiced)),
        ]
    ).astype(np.int64)
    ends = tuple(end + more * (number >= place) for number, end in enumerate(spoken.ends))
    return Spoken(spoken.envelope[path], spoken.voiced[path], ends)


def _levelled(phones: Phones, spoken: Spoken, middle: slice) -> Floats:
    """Return the envelope of a spoken word in dB, with the `middle` of the vowel at the loudness `VOWEL_LEVEL_DB`, and
    consonants limited to their loudness ranges.
    """
    loudness = loudness_db(spoken.envelope)
    level = float(loudness[middle].mean())
    gains = np.zeros(len(loudness))
    for phone, start, end in zip(phones, (0, *spoken.ends), spoken.ends, strict=False):
        softest, loudest = _RANGES_DB.get(phone, (-np.inf, np.inf))
        peak = float(np.convolve(loudness[start:end], np.full(_PEAK_FRAMES, 1 / _PEAK_FRAMES), "valid").max()) - level
        gains[start:end] = np.clip(peak, softest, loudest) - peak
    gains = np.convolve(np.pad(gains, _RAMP_FRAMES // 2, mode="edge"), np.full(_RAMP_FRAMES, 1 / _RAMP_FRAMES), "valid")
    wanted = VOWEL_LEVEL_DB - (_REDUCED_DB if REDUCED & set(phones) else 0.0)
    out: Floats = spoken.envelope + (gains + wanted - level)[:, None]
    return out


def _noise(phones: Phones, spoken: Spoken) -> Floats:
    """Return the share of noise in a spoken word, [frames, 6], 0 to 1: that of the Mandarin voice in vowels, more in
    voiced fricatives, 1 in unvoiced sounds.
    """
    usual = _vowel_noise()
    out = np.ones((len(spoken.voiced), len(usual)))
    for phone, start, end in zip(phones, (0, *spoken.ends), spoken.ends, strict=False):
        out[start:end] = np.where(spoken.voiced[start:end, None], _BUZZ.get(phone, usual), 1.0)
    return out


@cache
def _vowel_noise() -> Floats:
    bank = VoiceBank.load()
    takes = [bank.take(name) for name in _ALIKE.values()]
    out: Floats = np.mean([take.noise[take.hold[0] : take.hold[1] + 1].mean(0) for take in takes], axis=0)
    return out


def _colour_db(vowels: Mapping[str, _Cut]) -> Floats:
    """Return the smoothed spectral difference in dB, [BANDS], of the Mandarin minus the English voice, averaged over
    similar vowels.
    """
    bank = VoiceBank.load()
    gaps = []
    for vowel, name in _ALIKE.items():
        take = bank.take(name)
        mandarin = take.envelope[take.hold[0] : take.hold[1] + 1].mean(0)
        gaps.append(mandarin - vowels[vowel].envelope[:OVERLAP_FRAMES].mean(0))
    gap = np.mean(gaps, axis=0)
    cosines = np.cos(np.pi * np.outer(np.arange(_COLOURS), np.arange(len(gap)) + 0.5) / len(gap))
    weights, *_ = np.linalg.lstsq(cosines.T, gap, rcond=None)
    out: Floats = weights @ cosines
    return out


def _coded(cut: _Cut, colour: Floats) -> NDArray[np.uint8]:
    envelope = (cut.envelope + colour - ENVELOPE_LOWEST_DB) / ENVELOPE_STEP_DB
    return np.concatenate([envelope, cut.noise * NOISE_STEPS], axis=1).round().clip(0, 255).astype(np.uint8)


def _written(
    folder: Path, units: list[Phones], openings: int, cuts: list[_Cut], coded: list[NDArray[np.uint8]]
) -> dict[str, dict[str, list[int]]]:
    starts = [0, *np.cumsum([len(frames) for frames in coded]).tolist()]
    rows = [[start, len(frames), cut.edge] for start, frames, cut in zip(starts, coded, cuts, strict=False)]
    named = [(" ".join(unit), row) for unit, row in zip(units, rows, strict=True)]
    table = {"openings": dict(named[:openings]), "endings": dict(named[openings:])}
    data = packed(np.concatenate(coded))
    folder.mkdir(parents=True, exist_ok=True)
    (folder / FRAMES_NAME).write_bytes(data)
    told = json.dumps({"sha256": hashlib.sha256(data).hexdigest(), **table}, separators=(",", ":"))
    (folder / TABLE_NAME).write_text(told + "\n", encoding="utf-8")
    return table


def main() -> None:
    """Command line: build the data files of the voice for English, and print their size."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("speech", type=Path, help="folder for the synthesised speech; files in it are not made again")
    parser.add_argument("--out", type=Path, default=FOLDER, help="folder to write (default: the shipped one)")
    arguments = parser.parse_args()
    folder = arguments.out
    table = build(arguments.speech, folder)
    size = sum(path.stat().st_size for path in folder.iterdir())
    print(f"{' and '.join(f'{len(rows)} {kind}' for kind, rows in table.items())}, {size / 2**20:.1f} MiB in {folder}")


if __name__ == "__main__":
    main()
