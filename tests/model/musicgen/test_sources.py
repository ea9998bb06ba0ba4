"""Tests of songs that continue a recording or follow a melody; weights are random."""

import numpy as np
import pytest

from model.musicgen.engine import MusicGenEngine
from model.musicgen.melody.melodies import NoteMelody
from model.musicgen.networks.config import ChromaConfig
from model.song import AnchorNote, Control
from model.tasks import AudioToAudio, Extend
from tests.support.musicgen_checkpoint import FEW_MELODY, musicgen_options
from tests.support.musicgen_songs import audio, joined, params, song, spec_of


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> MusicGenEngine:
    return MusicGenEngine.load("cpu", **musicgen_options(tmp_path_factory.mktemp("text")) | {"section_seconds": 6.0})


@pytest.fixture(scope="module")
def melodious(tmp_path_factory: pytest.TempPathFactory) -> MusicGenEngine:
    return MusicGenEngine.load("cpu", **musicgen_options(tmp_path_factory.mktemp("melody"), FEW_MELODY))


def test_a_recording_is_kept_and_continued(engine: MusicGenEngine) -> None:
    kept = engine._planner.recordings.read(audio(), "audio").mean(axis=0, keepdims=True)
    plan = engine.plan(params(None, task=Extend(audio(), 0.0, 10.0, seed=7)))
    sound = np.frombuffer(song(engine, plan), np.float32)
    whole = joined(engine, plan)
    assert whole.shape[1] == plan.engine_samples == kept.shape[1] + 10_000
    assert len(sound) == whole.size
    fade = 100
    np.testing.assert_array_equal(whole[:, : kept.shape[1] - fade], kept[:, :-fade])
    assert np.abs(whole[:, kept.shape[1] :]).max() > 0.01
    assert "is mono" in plan.notes[0]
    other = engine.plan(params(None, task=Extend(audio(), 0.0, 10.0, seed=8)))
    assert not np.array_equal(joined(engine, other), whole)
    # The model reads only the end of a long recording, but the song contains all of it.
    spec = spec_of(engine, params(None, task=Extend(audio(50.0), 0.0, 10.0)))
    assert (spec.given, spec.before) == (20, 30_000)


def test_notes_become_classes_of_pitch() -> None:
    melody = NoteMelody((AnchorNote(69, 1.0), AnchorNote(None, 1.0), AnchorNote(62, 2.0)), 60.0)
    config = ChromaConfig(classes=12, length=10, sample_rate=1000, samples=30_000, window=512, hop=500)
    assert melody.seconds == 4.0
    assert melody.classes(0.0, config).tolist() == [9, 9, 0, 0, 2, 2, 2, 2, 9, 9]
    assert melody.classes(1.5, config).tolist() == [0, 2, 2, 2, 2, 9, 9, 0, 0, 2]


def test_a_melody_is_followed_with_its_strength(melodious: MusicGenEngine, engine: MusicGenEngine) -> None:
    assert melodious.info().controls - engine.info().controls == {Control.ANCHOR, Control.AUDIO_TO_AUDIO}
    songs = [
        song(melodious, melodious.plan(params(None, task=AudioToAudio(audio(6.0), strength))))
        for strength in (0.0, 0.5, 1.0)
    ]
    assert len(set(songs)) == 3
    # With strength 0 the song is that of the prompt alone.
    assert songs[0] == song(melodious, melodious.plan(params(6.0)))
    plan = melodious.plan(params(6.0, anchor=(AnchorNote(60, 1.0),), anchor_remarks=("moved",), anchor_tempo_bpm=90.0))
    assert plan.tempo_bpm == 90.0
    assert plan.notes[0] == "moved"
    assert "at 90 BPM" in plan.notes[1]


def test_a_melody_goes_on_beyond_half_a_minute(melodious: MusicGenEngine) -> None:
    plan = melodious.plan(params(33.0, anchor=(AnchorNote(60, 1.0), AnchorNote(64, 2.0), AnchorNote(None, 1.0))))
    assert len(song(melodious, plan)) == 4 * 33_000
