"""Compares the voice of a song with its score: pitch, timing, tones, and notes detected in the sound."""

import io
import itertools
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import mido
import numpy as np
import swift_f0
from numpy.typing import NDArray

from benchmarks.music.made_song import RATE_HERTZ, Made, Sound
from model.studio.composing.decisions.pitches import tone_direction

ONSET_TOLERANCE_SECONDS = 0.05
PITCH_TOLERANCE_CENTS = 50.0


@dataclass(frozen=True, slots=True)
class Note:
    """A sung note: start and end in seconds from the start of the song, and MIDI pitch; `first` is True if it begins a
    syllable.
    """

    start: float
    end: float
    pitch: float
    first: bool = True


def written_notes(made: Made) -> list[Note]:
    """Return the melody of the sung sections from their MIDI files, at the performed times of syllables."""
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
    """Yield the notes as (start tick, end tick, pitch, begins a syllable)."""
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


def cents_off(heard: swift_f0.PitchResult, notes: Sequence[Note]) -> NDArray[np.float64]:
    """Return the absolute deviation in cents of the detected pitch from the score, for every voiced frame inside a
    note; the glides at the ends of a note are left out.
    """
    found = []
    for note in notes:
        inside = (heard.timestamps > note.start + 0.08) & (heard.timestamps < note.end - 0.04)
        inside &= heard.confidence > 0.5
        found.append(1200 * np.log2(heard.pitch_hz[inside] / _hertz(note.pitch)))
    out: NDArray[np.float64] = np.abs(np.concatenate(found))
    return out


def timing_errors_ms(voice: Sound, notes: Sequence[Note]) -> list[float]:
    """Return the absolute difference in milliseconds between the start of a vowel in the score and the start of voiced
    sound in the recorded `voice`, for each vowel after silence or a fricative.
    """
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
    """Return the mono voice below 900 Hz, a band that contains vowels but hardly any consonants."""
    spectrum = np.fft.rfft(voice.mean(0).astype(np.float64))
    spectrum[np.fft.rfftfreq(voice.shape[1], 1 / RATE_HERTZ) > 900] = 0
    out: NDArray[np.float64] = np.fft.irfft(spectrum, voice.shape[1])
    return out


def _envelope(sound: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the RMS of a sound over the 5 ms around each sample."""
    out: NDArray[np.float64] = np.sqrt(np.convolve(sound**2, np.full(240, 1 / 240), "same"))
    return out


def tone_agreement(made: Made, notes: Sequence[Note]) -> float:
    """Return the share of intervals between syllables that rise or fall as the lexical tones of the syllables do."""
    firsts = iter([(index, note) for index, note in enumerate(notes) if note.first])
    agreed = []
    for section in made.plan.sections:
        for line in section.lines:
            sung = [next(firsts) for _ in line.syllables]
            for (left, right), (_, (place, after)) in zip(
                zip(line.syllables, line.syllables[1:], strict=False), itertools.pairwise(sung), strict=True
            ):
                wished = tone_direction(left.sung_tone, right.sung_tone)
                if wished:
                    agreed.append(wished * (after.pitch - notes[place - 1].pitch) > 0)
    return statistics.fmean(agreed)


def transcription_f(heard: swift_f0.PitchResult, notes: Sequence[Note]) -> float:
    """Return the F-measure of the detected notes: onset within 50 ms, pitch within 50 cents, each note matched once."""
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
    """Return the parts of a sound during which the voice sings."""
    mask = np.zeros(sound.shape[1], np.bool_)
    for note in notes:
        mask[round(note.start * RATE_HERTZ) : round(note.end * RATE_HERTZ)] = True
    return sound[:, mask]
