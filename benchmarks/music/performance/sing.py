"""Sings the songs of `bench_performance`: writes the voice alone as FLAC, and words, times and notes as JSON.

    python benchmarks/music/performance/sing.py FOLDER SONGS

The program runs on its own, so that the packages of another checkout can be put on PYTHONPATH. `SONGS` is a JSON list
of objects with `name`, `style`, `prompt`, `seed` and `text`; with `spoken` the same words are also written as
"NAME-spoken", with the recorded speech units of the voice joined at the pace and pitch of speech.
"""

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
import torch
from numpy.typing import NDArray

from benchmarks.music.made_song import RATE_HERTZ, Made, make
from benchmarks.music.singing import written_notes
from model.registry import load_engine
from model.song import SongParams, Stem, Syllable, Voice
from model.studio.voice.bank import VoiceBank
from model.studio.voice.phrasing import SungNote
from model.studio.voice.pronouncing import utterance_of
from model.studio.voice.vocalist import TIMBRES, Vocalist

SECONDS = 44.0
_SYLLABLE_SECONDS, _PAUSE_SECONDS = 0.27, 0.25
_SPEECH_PITCHES = (58.0, 53.0)


def described(made: Made) -> dict[str, Any]:
    """Return the words and times of a song: `lines` with the kind of their section, and `notes`."""
    lines: list[dict[str, Any]] = []
    for section, score in zip(made.plan.sections, made.scores, strict=True):
        for number, line in enumerate(section.lines):
            times = [timing for timing in score.timings if timing.line == number]
            lines.append(
                {
                    "section": section.index,
                    "kind": section.kind.value,
                    "text": line.text,
                    "readings": [syllable.reading for syllable in line.syllables],
                    "spans": [(timing.start_seconds, timing.end_seconds) for timing in times],
                }
            )
    notes = [(note.start, note.end, note.pitch) for note in written_notes(made)]
    return {"lines": lines, "notes": notes, "cpu_seconds": made.cpu_seconds}


def spoken(made: Made) -> tuple[NDArray[np.float32], dict[str, Any]]:
    """Return the words of a song as sound in the pace of speech, and their description in the form of `described`."""
    from model.studio.voice.performance.manner import SPOKEN  # only checkouts whose voice has manners can speak

    voice = Vocalist(VoiceBank.load(), TIMBRES[Voice.FEMALE], (made.plan.seed,), SPOKEN)
    told: list[dict[str, Any]] = []
    start = 0.0
    for section in made.plan.sections:
        for line in section.lines:
            notes = _said(line.syllables)
            voice.prepare(notes, round(start * RATE_HERTZ))
            spans = [(start + note.start, start + note.end) for note in notes]
            told.append({"section": section.index, "kind": section.kind.value, "text": line.text, "spans": spans})
            told[-1]["readings"] = [syllable.reading for syllable in line.syllables]
            start = spans[-1][1] + _PAUSE_SECONDS
    return voice.render(0, round(start * RATE_HERTZ)), {"lines": told, "notes": []}


def _said(syllables: Sequence[Syllable]) -> list[SungNote]:
    """Return short notes for syllables, with falling pitch as in a spoken sentence."""
    first, last = _SPEECH_PITCHES
    notes = []
    for number, syllable in enumerate(syllables):
        begin = _PAUSE_SECONDS + number * _SYLLABLE_SECONDS
        pitch = first + (last - first) * number / max(len(syllables) - 1, 1)
        notes.append(SungNote(begin, begin + _SYLLABLE_SECONDS, pitch, utterance_of(syllable)))
    return notes


def _write(path: Path, sound: NDArray[np.float32], told: dict[str, Any]) -> None:
    soundfile.write(path.with_suffix(".flac"), sound, RATE_HERTZ, subtype="PCM_24")
    path.with_suffix(".json").write_text(json.dumps(told, ensure_ascii=False, indent=1))


def main() -> None:
    """Sing the songs that are not in the folder yet."""
    folder, songs = Path(sys.argv[1]), json.loads(sys.argv[2])
    torch.set_num_threads(1)
    engine = load_engine("studio", "cpu")
    folder.mkdir(parents=True, exist_ok=True)
    for song in songs:
        if (folder / f"{song['name']}.json").exists():
            continue
        stems = frozenset({Stem.VOCAL})
        made = make(engine, SongParams(song["prompt"], song["text"], song["seed"], SECONDS, stems=stems))
        if song.get("spoken"):
            sound, told = spoken(made)
            name = f"{song['name']}-spoken"
            _write(folder / name, sound, song | told | {"name": name})
        _write(folder / song["name"], made.sound.mean(0), song | described(made))


if __name__ == "__main__":
    main()
