"""Measures the intelligibility of the synthetic voice: python -m model.training.voice.evaluate_voice A_SYLLABLES
B_SYLLABLES

The arguments are folders of syllable recordings: those of the voice's own speaker, and those of another speaker. A
recogniser is trained only on natural recordings: tones 2 to 4 of the voice's own speaker and half of another speaker's
syllables. The recordings are used unchanged, at other speeds, and resynthesised by WORLD at other pitches and lengths.
The recogniser is then tested with natural recordings that it was not trained on: the first speaker's first tones and
the other half of the second speaker's syllables. It is also tested with the first tones resynthesised at sung pitches
and lengths, and with the synthetic voice, on single notes and between two other syllables.
"""

import argparse
import itertools
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pyworld
import soundfile
import soxr
import torch
from numpy.typing import NDArray

from model.song import Voice
from model.studio.voice.bank import VoiceBank
from model.studio.voice.envelope import FRAME_SECONDS
from model.studio.voice.phrasing import Placed, SungNote, place
from model.studio.voice.singer import sing
from model.studio.voice.synthesis import Throat, VoiceSound
from model.studio.voice.utterance import Utterance
from model.studio.voice.vocalist import SEMITONES, TIMBRES
from model.training.voice.recogniser import (
    SAMPLE_RATE_HERTZ,
    Floats,
    Recogniser,
    Shares,
    Sound,
    features,
    scores,
    train,
    understood,
)
from model.training.voice.syllables import GLIDES, final_of, initial_of

_NAME = re.compile(r"(?:cmn-)?([a-zü:]+)([1-5])\.mp3")
_SPELLINGS = {"uu": "v", "u:": "v", "ü": "v"}
_FRAME_MS = 5.0
_QUIET = 0.02
PITCHES = (57, 62, 69, 74)
SECONDS = (0.2, 0.4, 1.0)
_BEFORE_SECONDS = 0.4


def recordings(folder: Path) -> Iterator[tuple[Sound, int]]:
    """Yield every recording in a folder, without the silence around it, and its tone (1 to 4)."""
    for path in sorted(folder.glob("*.mp3")):
        if match := _NAME.fullmatch(path.name):
            name = match[1]
            for spelling, letter in _SPELLINGS.items():
                name = name.replace(spelling, letter)
            name = name.replace("jv", "ju") if name.startswith("jv") else name
            sound, rate = soundfile.read(path, dtype="float32")
            mono = sound if sound.ndim == 1 else sound.mean(1)
            yield Sound(_trimmed(soxr.resample(mono, rate, SAMPLE_RATE_HERTZ)), name), int(match[2])


def _trimmed(sound: Floats) -> Floats:
    loud = np.flatnonzero(np.abs(sound) > _QUIET * np.abs(sound).max())
    return np.asarray(sound[max(loud[0] - 800, 0) : loud[-1] + 800], np.float32)


class Resynthesis:
    """The analysis of a natural recording by WORLD (Morise, Yokomori and Ozawa, 2016), for resynthesis with other
    parameters.
    """

    def __init__(self, sound: Floats) -> None:
        wave = sound.astype(np.float64)
        f0, times = pyworld.harvest(wave, SAMPLE_RATE_HERTZ, 90.0, 600.0, _FRAME_MS)
        self._f0 = f0
        self._envelope = pyworld.cheaptrick(wave, f0, times, SAMPLE_RATE_HERTZ)
        self._noise = pyworld.d4c(wave, f0, times, SAMPLE_RATE_HERTZ)

    def at(self, hertz: float, seconds: float | None, formants: float = 1.0) -> Floats:
        """Return the recording resynthesised at the pitch `hertz`, with a voiced part of `seconds` (its own length if
        `None`) and formants scaled by `formants`.
        """
        place = self._stretched(seconds)
        voiced = self._f0[place] > 0
        time = np.arange(len(place)) * _FRAME_MS / 1000
        f0 = np.where(voiced, hertz * 2 ** (0.3 / 12 * np.sin(2 * np.pi * 5.5 * time)), 0.0)
        envelope = self._envelope[place]
        if formants != 1.0:
            bins = np.arange(envelope.shape[1])
            source = np.minimum(bins / formants, bins[-1])
            envelope = np.exp(np.stack([np.interp(source, bins, row) for row in np.log(envelope + 1e-16)]))
        sound = pyworld.synthesize(
            f0, np.ascontiguousarray(envelope), np.ascontiguousarray(self._noise[place]), SAMPLE_RATE_HERTZ, _FRAME_MS
        )
        return np.asarray(sound, np.float32)

    def _stretched(self, seconds: float | None) -> NDArray[np.int64]:
        """Return, for each output frame, the index of the source frame, such that the middle of the voiced part is
        stretched to give `seconds` in total.
        """
        count = len(self._f0)
        voiced = np.flatnonzero(self._f0 > 0)
        if seconds is None or len(voiced) < 10:
            return np.arange(count)
        first, last = int(voiced[0]), int(voiced[-1])
        held = (first + (last - first) * 35 // 100, first + (last - first) * 65 // 100)
        around = last - first - (held[1] - held[0])
        wanted = round(seconds * 1000 / _FRAME_MS)
        if wanted > around:
            middle = np.linspace(held[0], held[1], wanted - around)
            place = np.concatenate([np.arange(held[0]), middle, np.arange(held[1], count)])
        else:
            place = np.concatenate([np.arange(first), np.linspace(first, last, wanted), np.arange(last, count)])
        return place.astype(np.int64)


def varied(sound: Floats, generator: np.random.Generator, copies: int) -> Iterator[Floats]:
    """Yield variants of a natural recording: unchanged, faster or slower, and at other pitches, each slightly
    degraded.
    """
    yield sound
    speed = float(np.exp(generator.uniform(-0.22, 0.22)))
    yield _spoilt(soxr.resample(sound, SAMPLE_RATE_HERTZ, SAMPLE_RATE_HERTZ * speed), generator)
    apart = Resynthesis(sound)
    for _ in range(copies):
        hertz = float(np.exp(generator.uniform(np.log(110), np.log(620))))
        seconds = float(np.exp(generator.uniform(np.log(0.15), np.log(1.2))))
        yield _spoilt(apart.at(hertz, seconds, float(np.exp(generator.uniform(-0.18, 0.14)))), generator)


def _spoilt(sound: Floats, generator: np.random.Generator) -> Floats:
    """Return a copy of a sound, degraded by a spectral tilt of up to 4 dB per octave and a little noise."""
    spectrum = np.fft.rfft(sound)
    octaves = np.log2(np.maximum(np.arange(len(spectrum)), 1) / (0.125 * len(spectrum)))
    tilted = np.fft.irfft(spectrum * 10 ** (generator.uniform(-4, 4) * np.clip(octaves, -3, 3) / 20), len(sound))
    noise = 10 ** (generator.uniform(-60, -34) / 20) * np.abs(tilted).max()
    return np.asarray(tilted + noise * generator.standard_normal(len(sound)), np.float32)


def utterance(syllable: str) -> Utterance:
    """Return the recorded units with which a syllable of the recorded voice is sung."""
    return Utterance(None if syllable[0] in ("a", "e", "o", *GLIDES) else syllable, syllable)


def sung(bank: VoiceBank, voice: Voice, syllable: str, pitch: float, seconds: float) -> Sound:
    """Return the sound of one syllable sung on a single note by the voice of the studio engine."""
    wave, _ = _line(bank, voice, [syllable], pitch, seconds)
    return Sound(_trimmed(wave), syllable)


def sung_in_line(bank: VoiceBank, voice: Voice, line: tuple[str, str, str], pitch: float, seconds: float) -> Sound:
    """Return the middle one of three syllables that are sung without a pause, cut out from its consonant to the next
    syllable's consonant.
    """
    wave, placed = _line(bank, voice, line, pitch, seconds)
    first, stop = (round(p.begin * FRAME_SECONDS * SAMPLE_RATE_HERTZ) for p in placed[1:])
    return Sound(wave[first:stop], line[1])


def _line(
    bank: VoiceBank, voice: Voice, syllables: Sequence[str], pitch: float, seconds: float
) -> tuple[Floats, list[Placed]]:
    """Return the sound, at 16 kHz, of syllables sung on equal notes of one pitch, and the range of frames of each
    syllable.
    """
    notes = [
        SungNote(start, start + seconds, pitch + SEMITONES[voice], utterance(syllable), 1, 0.7)
        for start, syllable in zip(np.arange(len(syllables)) * seconds + _BEFORE_SECONDS, syllables, strict=True)
    ]
    frames = sing(notes, bank, TIMBRES[voice], notes[-1].end, seed=round(pitch))
    sound = VoiceSound(Throat(TIMBRES[voice].formants), frames, seed=1)
    wave = soxr.resample(sound.render(0, sound.samples), 48_000, SAMPLE_RATE_HERTZ)
    return np.asarray(wave, np.float32), place(notes, bank)


def neighbours(names: Sequence[str], seed: int) -> list[tuple[str, str, str]]:
    """Return a triple for every syllable: the syllable between two others drawn at random."""
    generator = np.random.default_rng(seed)
    return [(str(generator.choice(names)), name, str(generator.choice(names))) for name in names]


def confusions(model: Recogniser, sounds: Sequence[Sound]) -> list[str]:
    """Return the 24 most frequent errors of the recogniser, as texts such as "initial b for p: 3" (recognised b, sung
    p).
    """
    initial, final = scores(model, [features(s.samples) for s in sounds])
    mistakes: dict[str, int] = {}
    for row, sound in enumerate(sounds):
        for kind, names, said, guess in (
            ("initial", model.initials, initial_of(sound.syllable), initial[row]),
            ("final", model.finals, final_of(sound.syllable), final[row]),
        ):
            heard = names[int(guess.argmax())]
            if heard != said:
                key = f"{kind} {heard or '0'} for {said or '0'}"
                mistakes[key] = mistakes.get(key, 0) + 1
    return [f"{key}: {count}" for key, count in sorted(mistakes.items(), key=lambda item: -item[1])[:24]]


def _print_row(name: str, shares: Shares) -> None:
    pairs = (shares.initial, shares.final, shares.syllable)
    print(
        f"| {name} | " + " | ".join(f"{100 * top1:.0f} / {100 * top5:.0f}" for top1, top5 in pairs) + " |", flush=True
    )


def main() -> None:
    """Command line: train (or load) the recogniser, then print a table of recognition rates, one row for each kind of
    sound.
    """
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "speaker_a", type=Path, help="folder with the recordings from which the singer's voice is built"
    )
    parser.add_argument("speaker_b", type=Path, help="folder with another speaker's recordings")
    parser.add_argument(
        "--checkpoint", type=Path, help="file of the recogniser; read if it exists, otherwise written after training"
    )
    parser.add_argument("--epochs", type=int, default=12, help="number of passes over the training sounds")
    parser.add_argument("--copies", type=int, default=3, help="number of resynthesised copies of each recording")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    speaker_a, speaker_b = list(recordings(arguments.speaker_a)), [s for s, _ in recordings(arguments.speaker_b)]
    bank = VoiceBank.load()
    speaker_a = [(sound, tone) for sound, tone in speaker_a if sound.syllable in bank.syllables]
    speaker_b = [sound for sound in speaker_b if sound.syllable in bank.syllables]
    model = _model(arguments, bank, [s for s, tone in speaker_a if tone in (2, 3, 4)] + speaker_b[::2])
    print("| what is heard | initials, % first / in best five | finals | syllables |\n|---|---|---|---|")
    first_tones = [sound for sound, tone in speaker_a if tone == 1]
    _report(model, "speaker A, natural, unheard tone", first_tones)
    _report(model, "speaker B, natural, unheard syllables", speaker_b[1::2])
    apart = [(Resynthesis(sound.samples), sound.syllable) for sound in first_tones]
    for voice in Voice:
        _report_singer(model, bank, voice, apart)


def _report_singer(model: Recogniser, bank: VoiceBank, voice: Voice, apart: Sequence[tuple[Resynthesis, str]]) -> None:
    """Print recognition rates for the recorded speaker, resynthesised with the voice's pitch and formants, and for the
    synthetic voice. Also print the most frequent errors for the synthetic voice. `apart` holds the analysed recordings
    of the speaker, each with its syllable.
    """
    names = sorted(bank.syllables)
    alone: list[Sound] = []
    within: list[Sound] = []
    for written, seconds in itertools.product(PITCHES, SECONDS):
        pitch = written + SEMITONES[voice]
        hertz = 440 * 2 ** ((pitch - 69) / 12)
        spoken = [Sound(a.at(hertz, seconds, TIMBRES[voice].formants), s) for a, s in apart]
        _report(model, f"speaker A resynthesised as {voice}, {pitch}, {seconds} s", spoken)
        sounds = [sung(bank, voice, name, written, seconds) for name in names]
        _report(model, f"{voice} singer, {pitch}, {seconds} s", sounds)
        alone += sounds
        sounds = [sung_in_line(bank, voice, line, written, seconds) for line in neighbours(names, seed=5)]
        _report(model, f"{voice} singer within a line, {pitch}, {seconds} s", sounds)
        within += sounds
    for where, sounds in (("", alone), (" within a line", within)):
        _report(model, f"{voice} singer{where}, all", sounds)
        print("\n".join(f"  {line}" for line in confusions(model, sounds)))


def _report(model: Recogniser, name: str, sounds: Sequence[Sound]) -> None:
    _print_row(name, understood(model, [features(s.samples) for s in sounds], [s.syllable for s in sounds]))


def _model(arguments: argparse.Namespace, bank: VoiceBank, natural: Sequence[Sound]) -> Recogniser:
    model = Recogniser(sorted(bank.syllables))
    if arguments.checkpoint and arguments.checkpoint.exists():
        model.load_state_dict(torch.load(arguments.checkpoint, weights_only=True))
        return model.eval()
    generator = np.random.default_rng(0)
    spectra, syllables = [], []
    for sound in natural:
        copies = [features(copy) for copy in varied(sound.samples, generator, arguments.copies)]
        spectra += copies
        syllables += [sound.syllable] * len(copies)
    print(f"{len(natural)} recordings, {len(spectra)} sounds", flush=True)
    loss = train(model, spectra, syllables, epochs=arguments.epochs, seed=0)
    print(f"loss {loss:.3f}", flush=True)
    if arguments.checkpoint:
        torch.save(model.state_dict(), arguments.checkpoint)
    return model


if __name__ == "__main__":
    main()
