"""Songs of every style, measured: length, loudness, the voice against its score and against the band, cost.

    python -m benchmarks.music.bench_songs [--styles 3] [--voice male]

Each song is made by the studio engine as the service does it, three times: whole, the voice alone, and the rest alone.
Pitch and notes of the voice are heard by swift-f0, which knows nothing of the score.
"""

import argparse
import io
import itertools
import statistics
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields

import mido
import numpy as np
import pyloudnorm
import soxr
import swift_f0
import torch
from numpy.typing import NDArray
from scipy.signal import resample_poly

from model.engine import Engine, SectionContext
from model.registry import load_engine
from model.song import ALL_STEMS, SectionScore, SongParams, SongPlan, Stem, Voice
from model.studio.composing.decisions.pitches import wished_direction
from server.audio.mastering.mastering import Mastering

RATE_HERTZ = 48_000
TRACKER_HERTZ = 16_000
TARGET_LUFS = -14.0
VOCAL = frozenset({Stem.VOCAL})
ONSET_TOLERANCE_SECONDS = 0.05
PITCH_TOLERANCE_CENTS = 50.0
STYLES = (
    "pop ballad, piano",
    "upbeat pop",
    "lo-fi jazz, chill",
    "cinematic, orchestral",
    "中国风 古筝 笛子",
    "electronic dance",
    "rock",
    "儿歌 欢快",
    "bossa nova",
    "R&B",
    "ambient",
    "game music",
)
SHORT = "[verse]\n春天醒来花就开\n脚步轻轻不怕失败\n[chorus]\n我要飞向那片海\n心随阳光一起澎湃\n"
LONG = """[verse]
月光落在旧窗台
风把故事轻轻翻开
你的名字我还记得
像一盏灯照着从前
[chorus]
就让这首歌陪你到天明
就让每颗星点亮梦境
如果有一天你也想起我
请抬头看同一片夜空
[verse]
城市的灯一盏盏熄灭
雨后的街道安静得像雪
我把想说的话写进歌里
希望你能在远方听见
[chorus]
就让这首歌陪你到天明
就让每颗星点亮梦境
如果有一天你也想起我
请抬头看同一片夜空
"""
LYRICS = {"4 lines": (SHORT, 45.0), "16 lines": (LONG, 100.0)}

Sound = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Note:
    """A note in seconds of the song; `first` where it begins a syllable."""

    start: float
    end: float
    pitch: float
    first: bool = True


@dataclass(frozen=True, slots=True)
class Made:
    """One rendering of a song."""

    plan: SongPlan
    sound: Sound
    scores: tuple[SectionScore, ...]
    cpu_seconds: float


@dataclass(frozen=True, slots=True)
class Row:
    """Figures of one song; levels in LUFS, LU and dBTP, pitch in cents, times in milliseconds."""

    duration_error_s: float
    lufs: float
    true_peak: float
    cents_median: float
    cents_p90: float
    timing_median_ms: float
    timing_p90_ms: float
    tones: float
    notes_f: float
    voice_over_band: float
    cpu_per_second: float


def make(engine: Engine, params: SongParams) -> Made:
    """The whole song, section after section."""
    started = time.process_time()
    plan = engine.plan(params)
    context: SectionContext | None = None
    windows, scores = [], []
    for section in plan.sections:
        state = engine.begin(plan, section.index, engine.prepare(plan, section.index), context)
        while state.step < state.steps:
            engine.denoise([state])
        scores.append(engine.score(state))
        windows += list(engine.render(state))
        context = engine.context(state)
    return Made(plan, np.concatenate(windows, axis=1), tuple(scores), time.process_time() - started)


def written_notes(made: Made) -> list[Note]:
    """The tune of the sung sections, from their MIDI files, at the times of the performance where a syllable begins."""
    notes: list[Note] = []
    assert made.plan.tempo_bpm is not None
    for section, score in zip(made.plan.sections, made.scores, strict=True):
        if not score.timings:
            continue
        file = mido.MidiFile(file=io.BytesIO(score.midi), charset="utf-8")
        second = 60.0 / made.plan.tempo_bpm / file.ticks_per_beat
        starts = iter(timing.start_seconds for timing in score.timings)
        for start, end, pitch, first in _notes(file.tracks[1]):
            begin = next(starts) if first else section.start_seconds + start * second
            notes.append(Note(begin, section.start_seconds + end * second, pitch, first))
    return notes


def _notes(track: mido.MidiTrack) -> Iterator[tuple[int, int, int, bool]]:
    """(start tick, end tick, pitch, begins a syllable)."""
    tick, start, with_word = 0, 0, False
    begins = False
    for message in track:
        tick += message.time
        if message.type == "lyrics":
            with_word = True
        elif message.type == "note_on":
            start, begins, with_word = tick, with_word, False
        elif message.type == "note_off":
            yield start, tick, message.note, begins


def mastered(sound: Sound) -> Sound:
    """The song as the service sends it, before MP3."""
    master = Mastering(RATE_HERTZ, TARGET_LUFS)
    return np.concatenate([*(master.feed(part) for part in np.array_split(sound, 40, axis=1)), master.finish()], axis=1)


def true_peak_db(sound: Sound) -> float:
    """Peak at four times the rate (ITU-R BS.1770-5, annex 2), in dBTP."""
    return float(20 * np.log10(max(np.abs(resample_poly(channel, 4, 1)).max() for channel in sound)))


def loudness(sound: Sound) -> float:
    """Integrated loudness in LUFS."""
    return float(pyloudnorm.Meter(RATE_HERTZ).integrated_loudness(sound.T))


def cents_off(heard: swift_f0.PitchResult, notes: Sequence[Note]) -> NDArray[np.float64]:
    """Distance from the score of every voiced frame inside a note, without the glides at its ends."""
    found = []
    for note in notes:
        inside = (heard.timestamps > note.start + 0.08) & (heard.timestamps < note.end - 0.04)
        inside &= heard.confidence > 0.5
        found.append(1200 * np.log2(heard.pitch_hz[inside] / _hertz(note.pitch)))
    out: NDArray[np.float64] = np.abs(np.concatenate(found))
    return out


def timing_errors_ms(voice: Sound, notes: Sequence[Note]) -> list[float]:
    """Distance of each reported start from where the voiced sound sets in, where silence or a hiss comes before it."""
    low = _lowpassed(voice)
    errors = []
    for note in notes:
        at = round(note.start * RATE_HERTZ)
        before, after = low[max(at - 4800, 0) : at - 1200], low[at + 1200 : at + 4800]
        if not note.first or len(before) < 3600 or len(after) < 3600:
            continue
        floor, level = (float(np.sqrt(np.mean(part**2))) for part in (before, after))
        if level < 8 * floor:
            continue
        around = _envelope(low[at - 2400 : at + 2400])
        errors.append(abs(int(np.argmax(around > 0.25 * level)) - 2400) / RATE_HERTZ * 1000)
    return errors


def _lowpassed(voice: Sound) -> NDArray[np.float64]:
    """What vowels have and consonants do not: below 900 Hz, mono."""
    spectrum = np.fft.rfft(voice.mean(0).astype(np.float64))
    spectrum[np.fft.rfftfreq(voice.shape[1], 1 / RATE_HERTZ) > 900] = 0
    out: NDArray[np.float64] = np.fft.irfft(spectrum, voice.shape[1])
    return out


def _envelope(sound: NDArray[np.float64]) -> NDArray[np.float64]:
    """RMS over the 5 ms around each sample."""
    out: NDArray[np.float64] = np.sqrt(np.convolve(sound**2, np.full(240, 1 / 240), "same"))
    return out


def tone_agreement(made: Made, notes: Sequence[Note]) -> float:
    """Share of the moves that two lexical tones decide in which the tune goes their way."""
    firsts = iter([(index, note) for index, note in enumerate(notes) if note.first])
    agreed = []
    for section in made.plan.sections:
        for line in section.lines:
            sung = [next(firsts) for _ in line.syllables]
            for (left, right), (_, (place, after)) in zip(
                zip(line.syllables, line.syllables[1:], strict=False), itertools.pairwise(sung), strict=True
            ):
                wished = wished_direction(left.tone, right.tone)
                if wished:
                    agreed.append(wished * (after.pitch - notes[place - 1].pitch) > 0)
    return statistics.fmean(agreed)


def transcription_f(heard: swift_f0.PitchResult, notes: Sequence[Note]) -> float:
    """F-measure of the notes heard: onset within 50 ms, pitch within 50 cents, each note matched once."""
    free = swift_f0.segment_notes(heard)
    total, hits = len(free), 0
    for note in notes:
        near = [
            other
            for other in free
            if abs(other.start - note.start) <= ONSET_TOLERANCE_SECONDS
            and abs(1200 * np.log2(other.pitch_hz / _hertz(note.pitch))) <= PITCH_TOLERANCE_CENTS
        ]
        if near:
            free.remove(near[0])
            hits += 1
    return 2 * hits / (total + len(notes))


def _hertz(pitch: float) -> float:
    return float(440 * 2 ** ((pitch - 69) / 12))


def while_sung(sound: Sound, notes: Sequence[Note]) -> Sound:
    """The parts of a sound in which somebody sings."""
    mask = np.zeros(sound.shape[1], np.bool_)
    for note in notes:
        mask[round(note.start * RATE_HERTZ) : round(note.end * RATE_HERTZ)] = True
    return sound[:, mask]


def measure(engine: Engine, prompt: str, lyrics: str, seconds: float, voice: Voice, seed: int) -> Row:
    """All figures of one song."""

    def rendered(stems: frozenset[Stem]) -> Made:
        return make(engine, SongParams(prompt, lyrics, seed, seconds, stems=stems, voice=voice))

    whole, alone, band = (rendered(stems) for stems in (ALL_STEMS, VOCAL, ALL_STEMS - VOCAL))
    notes = written_notes(whole)
    length = whole.sound.shape[1] / RATE_HERTZ
    tracker = swift_f0.SwiftF0(threads=1)
    heard = tracker.detect(soxr.resample(alone.sound.mean(0), RATE_HERTZ, TRACKER_HERTZ), TRACKER_HERTZ)
    cents, timing = cents_off(heard, notes), timing_errors_ms(alone.sound, notes)
    sent = mastered(whole.sound)
    return Row(
        duration_error_s=abs(length - seconds),
        lufs=loudness(sent),
        true_peak=true_peak_db(sent),
        cents_median=float(np.median(cents)),
        cents_p90=float(np.percentile(cents, 90)),
        timing_median_ms=float(np.median(timing)),
        timing_p90_ms=float(np.percentile(timing, 90)),
        tones=tone_agreement(whole, notes),
        notes_f=transcription_f(heard, notes),
        voice_over_band=loudness(while_sung(alone.sound, notes)) - loudness(while_sung(band.sound, notes)),
        cpu_per_second=whole.cpu_seconds / length,
    )


def main() -> None:
    """Print one row per song, then the medians and the worst."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--styles", type=int, default=len(STYLES), help="only the first of the styles")
    parser.add_argument("--voice", type=Voice, choices=list(Voice), help="default: by turns")
    parser.add_argument("--seed", type=int, default=7)
    options = parser.parse_args()
    torch.set_num_threads(1)
    engine = load_engine("studio", "cpu")
    names = [field.name for field in fields(Row)]
    print("| style | lyrics | voice | " + " | ".join(name.replace("_", " ") for name in names) + " |")
    print("|---" * (len(names) + 3) + "|")
    rows: list[Row] = []
    for index, prompt in enumerate(STYLES[: options.styles]):
        voice = options.voice or list(Voice)[index % 2]
        for name, (lyrics, seconds) in LYRICS.items():
            rows.append(measure(engine, prompt, lyrics, seconds, voice, options.seed))
            _print_row(f"{prompt} | {name} | {voice}", [getattr(rows[-1], field) for field in names])
    columns = [[getattr(row, name) for row in rows] for name in names]
    _print_row("median | | ", [statistics.median(column) for column in columns])
    _print_row("lowest | | ", [min(column) for column in columns])
    _print_row("highest | | ", [max(column) for column in columns])


def _print_row(title: str, values: Sequence[float]) -> None:
    print(f"| {title} | " + " | ".join(f"{value:.3g}" for value in values) + " |", flush=True)


if __name__ == "__main__":
    main()
