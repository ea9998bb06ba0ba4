"""What ACE-Step 1.5 does beyond what every engine promises; weights are random."""

import io
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import torch

from model.ace_step_15.engine import AceStep15Engine
from model.ace_step_15.languages import LANGUAGES, UNKNOWN, detect
from model.ace_step_15.loading import check
from model.ace_step_15.memory import codec_bytes, song_bytes
from model.ace_step_15.networks.config import CodecConfig
from model.ace_step_15.planning.spec import GenerationSpec
from model.ace_step_15.states import Conditions, State
from model.ace_step_15.tasks import Cover, RepaintWindow
from model.engine import EngineUnavailable
from model.song import AudioToAudio, Control, Extend, InvalidParams, Repaint, Retake, SongParams, Task, Voice
from tests.support.ace_step_15_checkpoint import ace_step_15_options, write_checkpoint

LYRICS = "[Verse 1]\n春天醒来花就开\n[副歌]\nla la la"
RATE = 48_000


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_checkpoint(tmp_path_factory.mktemp("ace_step_15") / "checkpoint")


@pytest.fixture(scope="module")
def engine(folder: Path) -> AceStep15Engine:
    return AceStep15Engine.load("cpu", checkpoint=str(folder), padding=100.0)


def recording(seconds: float = 2.0) -> bytes:
    times = np.arange(round(seconds * RATE)) / RATE
    file = io.BytesIO()
    soundfile.write(file, 0.2 * np.sin(2 * np.pi * 220.0 * times), RATE, format="WAV")
    return file.getvalue()


def params(seconds: float | None = 10.0, **fields: Any) -> SongParams:
    usual: dict[str, Any] = {"prompt": "pop", "lyrics": LYRICS, "seed": 1, "steps": 3, "duration_seconds": seconds}
    return SongParams(**usual | fields)


def begun(engine: AceStep15Engine, asked: SongParams) -> State:
    plan = engine.plan(asked)
    state = engine.begin(plan, 0, engine.prepare(plan, 0), None)
    assert isinstance(state, State)
    return state


def finish(engine: AceStep15Engine, *states: State) -> None:
    while pending := [state for state in states if state.step < state.steps]:
        engine.denoise(pending)


def spec_of(engine: AceStep15Engine, asked: SongParams) -> GenerationSpec:
    spec = engine.plan(asked).detail
    assert isinstance(spec, GenerationSpec)
    return spec


def test_the_variant_decides_the_defaults(engine: AceStep15Engine, tmp_path: Path) -> None:
    spec = spec_of(engine, params(steps=None))
    assert (spec.steps, spec.shift, spec.guidance) == (50, 1.0, 7.0)
    turbo = AceStep15Engine.load("cpu", **ace_step_15_options(tmp_path, "turbo"))
    spec = spec_of(turbo, params(steps=None))
    assert (spec.steps, spec.shift, spec.guidance) == (8, 3.0, 1.0)
    assert engine.info().controls - turbo.info().controls == {Control.GUIDANCE_SCALE}
    plan = turbo.plan(params())
    conditions = turbo.prepare(plan, 0)
    assert isinstance(conditions, Conditions)
    assert conditions.cost == conditions.length == 125
    assert len(conditions.contexts.all) == 1


def test_what_the_model_is_told(engine: AceStep15Engine) -> None:
    spec = spec_of(engine, params(tempo_bpm=104.6, key="C major", voice=Voice.FEMALE, language="zh-CN"))
    assert (
        "# Caption\npop, female vocal\n\n# Metas\n- bpm: 105\n- timesignature: N/A\n- keyscale: C major\n" in spec.text
    )
    assert "- duration: 10 seconds\n<|endoftext|>\n" in spec.text
    assert spec.lyrics == "# Languages\nzh\n\n# Lyric\n[Verse 1]\n春天醒来花就开\n[chorus]\nla la la<|endoftext|>"
    plan = engine.plan(params(tempo_bpm=104.6))
    assert "may not follow them exactly" in plan.notes[0]
    assert [line.text for line in plan.sections[0].lines] == ["春天醒来花就开", "la la la"]
    assert spec_of(engine, params(lyrics="")).lyrics.endswith("# Lyric\n[Instrumental]<|endoftext|>")
    assert "recognises it" in engine.plan(params(lyrics="la la")).notes[0]
    assert [detect(text) for text in ("春天", "はる", "봄", "Άνοιξη", "primavera")] == ["zh", "ja", "ko", "el", UNKNOWN]
    assert len(LANGUAGES) == 50


def test_strangers_at_different_steps_equal_each_alone(engine: AceStep15Engine) -> None:
    asked = [
        params(10.0),
        params(13.0, guidance_scale=1.0, steps=4),
        params(None, task=AudioToAudio(recording(), 0.3)),
        params(None, task=Repaint(recording(3.0), 0.5, 1.5, 0.7)),
    ]
    alone, together = ([begun(engine, each) for each in asked] for _ in range(2))
    for state in alone:
        finish(engine, state)
    engine.denoise(together[:1])
    engine.denoise(together[1:3])
    finish(engine, *together)
    for one, other in zip(alone, together, strict=True):
        scale = float(one.trajectory.latents.abs().max())
        torch.testing.assert_close(other.trajectory.latents, one.trajectory.latents, rtol=0, atol=1e-5 * scale)


def test_a_recording_is_kept_where_it_is_not_made_anew(engine: AceStep15Engine) -> None:
    sound = engine._planner.recordings.read(recording(), "audio")
    source = engine._networks.codec.encode(torch.from_numpy(sound))
    cases: tuple[tuple[Task, slice, slice], ...] = (
        (Repaint(recording(), 0.5, 1.2, 1.0), slice(0, 12), slice(0, 12)),
        (Repaint(recording(), 0.5, 1.2, 0.5), slice(30, 50), slice(30, 50)),
        (Extend(recording(), 1.0, 2.0), slice(25, 75), slice(0, 50)),
    )
    for task, place, kept in cases:
        state = begun(engine, params(None, task=task))
        finish(engine, state)
        scale = float(source.abs().max())
        torch.testing.assert_close(state.trajectory.latents[place], source[kept], rtol=0, atol=1e-4 * scale)
    assert spec_of(engine, params(None, task=cases[2][0])).frames == 125
    assert isinstance(spec_of(engine, params(None, task=cases[0][0])).model_task, RepaintWindow)
    assert spec_of(engine, params(None, task=AudioToAudio(recording(), 0.3))).model_task == Cover(0.3)


def test_faults_name_their_field(engine: AceStep15Engine) -> None:
    table: tuple[tuple[str, dict[str, Any]], ...] = (
        ("repaint.end_seconds", {"seconds": None, "task": Repaint(recording(), 1.0, 9.0)}),
        ("repaint.audio", {"seconds": None, "task": Repaint(b"no sound", 1.0, 9.0)}),
        ("extend.right_seconds", {"seconds": None, "task": Extend(recording(), 0.0, 239.0)}),
        ("duration_seconds", {"seconds": 10.0, "task": Extend(recording(), 0.0, 1.0)}),
        ("language", {"language": "tlh"}),
        ("prompt", {"prompt": "a very long prompt " * 60}),
        ("lyrics", {"lyrics": "words of a song that does not end\n" * 250}),
    )
    for field, fields in table:
        with pytest.raises(InvalidParams) as refused:
            engine.plan(params(**fields))
        assert [violation.field for violation in refused.value.violations] == [field]


def test_a_retake_is_as_far_from_the_song_as_asked(engine: AceStep15Engine) -> None:
    songs = [begun(engine, params(task=task)) for task in (None, Retake(5, 0.0), Retake(5, 0.2), Retake(5, 1.0))]
    plain, same, near, far = (state.trajectory.latents for state in songs)
    torch.testing.assert_close(same, plain)
    assert 0 < float((near - plain).abs().mean()) < float((far - plain).abs().mean())


def test_a_checkpoint_without_audio_tokenizers_makes_no_covers(folder: Path, tmp_path: Path) -> None:
    shutil.copytree(folder, tmp_path / "checkpoint")
    shutil.rmtree(tmp_path / "checkpoint" / "audio_tokenizer")
    engine = AceStep15Engine.load("cpu", checkpoint=str(tmp_path / "checkpoint"))
    assert Control.AUDIO_TO_AUDIO not in engine.info().controls
    with pytest.raises(InvalidParams, match="audio_to_audio"):
        engine.plan(params(None, task=AudioToAudio(recording(), 0.3)))


def test_memory_grows_with_the_tokens_of_a_step(engine: AceStep15Engine) -> None:
    made = engine.prepare(engine.plan(params()), 0)
    assert isinstance(made, Conditions)
    window = codec_bytes(engine._networks.codec.config, 4)
    assert made.memory_bytes >= window
    step = song_bytes(engine._networks, made.contexts, 10**6) - song_bytes(engine._networks, made.contexts, 10**6 - 1)
    assert step == (8 * 48 + 2 * 96) * 4
    assert 0.3e9 < codec_bytes(CodecConfig(), 2) < 1e9


def test_the_check_tells_whether_a_folder_can_be_loaded(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert check.main([str(folder)]) == 0
    assert "of the variant base can be loaded" in capsys.readouterr().out
    assert check.main([str(tmp_path)]) == 1
    assert "is missing" in capsys.readouterr().err
    assert check.main([]) == 2
    with pytest.raises(EngineUnavailable, match="is missing"):
        AceStep15Engine.load("cpu", checkpoint=str(tmp_path))
