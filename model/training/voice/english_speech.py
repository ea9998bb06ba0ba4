"""Synthesises syllables with the statistical voice of speaker "slt" of the CMU ARCTIC databases, with known times of
all phones.

The module needs the programs festival and hts_engine, and the voice festvox-us-slt-hts with its dictionary festlex-cmu
(Debian packages festival, festlex-cmu, festlex-poslex, festvox-us-slt-hts, htsengine).
"""

import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from model.studio.voice.envelope import gather

VOICE = Path("/usr/share/festival/voices/us/cmu_us_slt_arctic_hts/hts/cmu_us_slt_arctic_hts.htsvoice")
_SAMPLE_RATE_HERTZ, _ORDER, _WARP = 32_000, 45, 0.45
_FRAMES_PER_TICK = 1 / 50_000
"""Number of frames (5 ms each) per tick (100 ns), the time unit of hts_engine's files."""

_FFT = 1024
_STEPS = "Initialize Text Token_POS Token POS Phrasify Word Pauses Intonation PostLex Duration"
_PROGRAM = f"""(voice_cmu_us_slt_arctic_hts)
(define (described text file)
  (let ((utt (eval (list 'Utterance 'Text text))))
    {" ".join(f"({step} utt)" for step in _STEPS.split())}
    (hts_dump_feats utt hts_feats_list file)))
"""
REDUCED = frozenset({"ax"})
"""Vowels that occur only in unstressed syllables."""

_NAME = "qx"
"""Prefix of the made-up words, with which no word of the dictionary begins."""


@dataclass(frozen=True, slots=True)
class Phrase:
    """A phrase to synthesise: a made-up word of one syllable with the phones `word`, between the real words `before`
    and `after`.
    """

    word: tuple[str, ...]
    before: str
    after: str

    @property
    def name(self) -> str:
        """File name, without suffix, of the phrase's files."""
        return "-".join((self.before, *self.word, self.after))


@dataclass(frozen=True, slots=True)
class Spoken:
    """The made-up word of a phrase as synthesised: envelope [frames, BANDS] in dB, voicing [frames], and the frame
    after the end of each phone.
    """

    envelope: NDArray[np.float64]
    voiced: NDArray[np.bool_]
    ends: tuple[int, ...]


def speak(phrases: Sequence[Phrase], folder: Path) -> Iterator[Spoken]:
    """Yield the synthesised made-up word of every phrase. The files that the programs write stay in `folder`; existing
    files are used again.

    Raises:
        OSError: festival or hts_engine is not installed.
        subprocess.CalledProcessError: one of them fails, for example without the voice.
        ValueError: the voice does not say a word as it is written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    script = folder / "phrases.scm"
    script.write_text(_PROGRAM + "\n".join(_described(phrases, folder)), encoding="ascii")
    subprocess.run(["festival", "-b", str(script)], check=True)
    for phrase in phrases:
        yield _spoken(folder / phrase.name, phrase)


def _described(phrases: Sequence[Phrase], folder: Path) -> Iterator[str]:
    for number, phrase in enumerate(phrases):
        name = _NAME + "".join(chr(ord("a") + int(digit)) for digit in str(number))
        label = folder / f"{phrase.name}.lab"
        if not label.exists():
            stress = int(not REDUCED & set(phrase.word))
            yield f'(lex.add.entry \'("{name}" n ((({" ".join(phrase.word)}) {stress}))))'
            yield f'(described "{phrase.before} {name} {phrase.after}" "{label}")'


def _spoken(base: Path, phrase: Phrase) -> Spoken:
    spectrum, pitch, times = (base.with_name(f"{base.name}.{kind}") for kind in ("mgc", "lf0", "dur"))
    if not all(path.exists() for path in (spectrum, pitch, times)):
        options = ["-om", str(spectrum), "-of", str(pitch), "-od", str(times)]
        subprocess.run(["hts_engine", "-m", str(VOICE), *options, f"{base}.lab"], check=True)
    return decoded(spectrum, pitch, times, phrase)


def decoded(spectrum: Path, pitch: Path, times: Path, phrase: Phrase) -> Spoken:
    """Return the made-up word of a phrase, decoded from the files that hts_engine writes: spectrum, pitch and times of
    the phones.

    The spectrum is a mel-cepstrum (Tokuda, Kobayashi, Masuko and Imai, 1994).

    Raises:
        ValueError: the phones of the word are not in the times.
    """
    cepstra = np.fromfile(spectrum, np.float32).reshape(-1, _ORDER).astype(np.float64)
    envelope = cepstra @ _to_bands()
    voiced = np.fromfile(pitch, np.float32) > 0
    rows = [line.split(" ")[:3] for line in times.read_text(encoding="ascii").splitlines()]
    names = [context.split("-")[1].split("+")[0] for _, _, context in rows]
    length = len(phrase.word)
    first = next((i for i in range(len(names)) if tuple(names[i : i + length]) == phrase.word), None)
    if first is None:
        raise ValueError(
            f"the voice pronounces a word as the phones {' '.join(names)} instead of {' '.join(phrase.word)}: correct "
            "it in the list of phrases"
        )
    start = round(int(rows[first][0]) * _FRAMES_PER_TICK)
    ends = [round(int(row[1]) * _FRAMES_PER_TICK) for row in rows[first : first + length]]
    return Spoken(envelope[start : ends[-1]], voiced[start : ends[-1]], tuple(end - start for end in ends))


@cache
def _to_bands() -> NDArray[np.float64]:
    """Return the matrix [order, BANDS] that converts mel-cepstra to power in decibels in frequency bands."""
    hertz = np.arange(_FFT // 2 + 1, dtype=np.float64) * (_SAMPLE_RATE_HERTZ / _FFT)
    radians = 2 * np.pi * hertz / _SAMPLE_RATE_HERTZ
    warped = radians + 2 * np.arctan2(_WARP * np.sin(radians), 1 - _WARP * np.cos(radians))
    out: NDArray[np.float64] = (20 / np.log(10)) * np.cos(np.outer(np.arange(_ORDER), warped)) @ gather(hertz)
    return out
