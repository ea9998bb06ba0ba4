"""Transcribes a recorded lead line to notes and compares them with the score.

    python -m benchmarks.music.transcribe song-lead.mp3 --record song-lead.json --model nmp.onnx

The model is the ONNX file inside the `basic-pitch` wheel (Apache-2.0): `pip download --no-deps basic-pitch`, unzip.
Needs `onnxruntime`. A note counts as found when its pitch is exact and its onset within 100 ms.
"""

import argparse
import base64
import io
import json
from dataclasses import dataclass
from pathlib import Path

import mido
import numpy as np
import onnxruntime
from numpy.typing import NDArray
from scipy.signal import resample_poly

from benchmarks.music.listen import decode

MODEL_RATE_HERTZ = 22_050
_HOP = 256
_WINDOW_SAMPLES = 43_844
_FRAMES_PER_WINDOW = 172
_OVERLAP_FRAMES = 30
_LOWEST_PITCH = 21
_ONSET_THRESHOLD = 0.5
_NOTE_THRESHOLD = 0.3
_SHORTEST_FRAMES = 5
ONSET_TOLERANCE_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class Heard:
    """One detected note: onset in seconds, MIDI pitch."""

    onset_seconds: float
    pitch: int


def intended(record: dict[str, object]) -> list[Heard]:
    """Return the melody of the score, from the first tracks of the sections' MIDI files."""
    sections, scores = record["sections"], record["scores"]
    assert isinstance(sections, list) and isinstance(scores, list)
    notes: list[Heard] = []
    for section, score in zip(sections, scores, strict=True):
        file = mido.MidiFile(file=io.BytesIO(base64.b64decode(score)), charset="utf-8")
        beat_seconds = 60.0 / float(str(record["tempo_bpm"])) / file.ticks_per_beat
        tick = 0
        for message in file.tracks[1]:
            tick += message.time
            if message.type == "note_on":
                notes.append(Heard(section["start_seconds"] + tick * beat_seconds, message.note))
    return notes


def transcribed(sound: NDArray[np.float32], model: Path) -> list[Heard]:
    """Return the notes that the model detects in mono sound at 22,050 Hz."""
    onsets, frames, times = _posteriors(sound, model)
    notes = []
    for pitch in range(onsets.shape[1]):
        notes += _notes_of_pitch(onsets[:, pitch], frames[:, pitch], times, pitch + _LOWEST_PITCH)
    return notes


def _posteriors(
    sound: NDArray[np.float32], model: Path
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float64]]:
    session = onnxruntime.InferenceSession(str(model), providers=["CPUExecutionProvider"])
    hop_samples = _WINDOW_SAMPLES - _OVERLAP_FRAMES * _HOP
    half = _OVERLAP_FRAMES // 2
    padded = np.concatenate([np.zeros(half * _HOP, np.float32), sound])
    onsets, frames, times = [], [], []
    for start in range(0, len(padded), hop_samples):
        window = padded[start : start + _WINDOW_SAMPLES]
        window = np.pad(window, (0, _WINDOW_SAMPLES - len(window)))
        frame, onset = session.run(
            ["StatefulPartitionedCall:1", "StatefulPartitionedCall:2"],
            {session.get_inputs()[0].name: window[None, :, None].astype(np.float32)},
        )
        kept = slice(half, _FRAMES_PER_WINDOW - half)
        onsets.append(onset[0][kept])
        frames.append(frame[0][kept])
        # 142 kept frames cover 36,164 samples, a little less than 142 hops: times follow the samples.
        times.append((start + np.arange(len(onset[0][kept])) * _HOP) / MODEL_RATE_HERTZ)
    return np.concatenate(onsets), np.concatenate(frames), np.concatenate(times)


def _notes_of_pitch(
    onset: NDArray[np.float32], frame: NDArray[np.float32], times: NDArray[np.float64], pitch: int
) -> list[Heard]:
    notes, free_from = [], 1
    for i in range(1, len(onset) - 1):
        peak = onset[i] > _ONSET_THRESHOLD and onset[i] >= onset[i - 1] and onset[i] >= onset[i + 1]
        if peak and i >= free_from:
            end = i + 1
            while end < len(frame) and frame[end] > _NOTE_THRESHOLD:
                end += 1
            if end - i >= _SHORTEST_FRAMES:
                notes.append(Heard(float(times[i]), pitch))
                free_from = i + 2
    return notes


def match(wanted: list[Heard], found: list[Heard]) -> int:
    """Return the number of notes in `wanted` that were found: each is matched with one note in `found` of the same
    pitch, with an onset at most 100 ms earlier or later.
    """
    free, hits = list(found), 0
    for note in wanted:
        near = [
            other
            for other in free
            if other.pitch == note.pitch and abs(other.onset_seconds - note.onset_seconds) < ONSET_TOLERANCE_SECONDS
        ]
        if near:
            free.remove(near[0])
            hits += 1
    return hits


def main() -> None:
    """Command line: transcribe a recording and print precision and recall of its notes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("song", type=Path)
    parser.add_argument("--record", type=Path, required=True)
    parser.add_argument("--model", type=Path, required=True)
    options = parser.parse_args()
    record = json.loads(options.record.read_text())
    sound, rate = decode(options.song)
    mono = sound.mean(axis=1)[int(record["delay_samples"]) :]
    wanted, found = intended(record), transcribed(resample_poly(mono, MODEL_RATE_HERTZ, rate), options.model)
    hits = match(wanted, found)
    precision, recall = hits / max(len(found), 1), hits / max(len(wanted), 1)
    score = 2 * precision * recall / max(precision + recall, 1e-9)
    print(f"intended {len(wanted)}  found {len(found)}  precision {precision:.2f}  recall {recall:.2f}  F {score:.2f}")


if __name__ == "__main__":
    main()
