"""Tests of ACE-Step 1.5 that the common tests of all engines do not contain: defaults of the variants, texts for the
encoders, recordings, guidance, refused requests, and songs that are denoised together. The weights are random.
"""

import shutil
from pathlib import Path
from typing import Any

import pytest
import torch

from model.ace_step_15.engine import AceStep15Engine
from model.ace_step_15.languages import LANGUAGES, UNKNOWN, detect
from model.ace_step_15.loading import check
from model.ace_step_15.memory import codec_bytes, song_bytes
from model.ace_step_15.networks.config import CodecConfig
from model.ace_step_15.options import AceStep15Options
from model.ace_step_15.states import Conditions
from model.ace_step_15.tasks import Cover, RepaintWindow
from model.ace_step_15.validation import AceStep15Validator
from model.engine import EngineUnavailable
from model.shared.generation_mode import GenerationMode
from model.song import Control, InvalidParams, Voice
from model.tasks import AudioToAudio, Extend, ExtractTrack, Lego, Repaint, Retake, Task, Track
from tests.model.ace_step_15.songs import begun, finish, params, recording, spec_of
from tests.support.ace_step_15_checkpoint import ace_step_15_options

GUIDED = {Control.GUIDANCE_SCALE, Control.NEGATIVE_PROMPT}
TRACKS = {Control.EXTRACT_TRACK, Control.LEGO, Control.COMPLETE}


def test_the_variant_decides_the_defaults(engine: AceStep15Engine, tmp_path: Path) -> None:
    spec = spec_of(engine, params(steps=None))
    assert (spec.steps, spec.shift, spec.guidance.scale) == (50, 1.0, 7.0)
    sft = AceStep15Validator.load(**ace_step_15_options(tmp_path / "sft", "sft"))
    assert engine.info().controls - sft._planner.controls == TRACKS
    with pytest.raises(InvalidParams, match="lego: engine 'ace_step_15' does not support this field"):
        sft.validate(params(None, task=Lego(recording(), Track.DRUMS)))
    turbo = AceStep15Engine.load("cpu", **ace_step_15_options(tmp_path, "turbo"))
    spec = spec_of(turbo, params(steps=None))
    assert (spec.steps, spec.shift, spec.guidance.scale) == (8, 3.0, 1.0)
    assert engine.info().controls - turbo.info().controls == GUIDED | TRACKS
    plan = turbo.plan(params())
    conditions = turbo.prepare(plan, 0)
    assert isinstance(conditions, Conditions)
    assert conditions.cost == conditions.length == 125
    assert len(conditions.contexts.all) == 1


def test_what_the_model_is_told(engine: AceStep15Engine) -> None:
    asked = params(tempo_bpm=104.6, key="C major", time_signature="6/8", voice=Voice.FEMALE, language="zh-CN")
    (section,) = spec_of(engine, asked).sections
    metadata = "# Metas\n- bpm: 105\n- timesignature: 6\n- keyscale: C major\n- duration: 10 seconds\n<|endoftext|>\n"
    assert section.text.endswith(f"# Caption\npop, female vocal\n\n{metadata}")
    assert section.lyrics == "# Languages\nzh\n\n# Lyric\n[Verse 1]\n春天醒来花就开\n[chorus]\nla la la<|endoftext|>"
    plan = engine.plan(params(tempo_bpm=104.6))
    assert "may not follow them exactly" in plan.notes[0]
    assert [line.text for line in plan.sections[0].lines] == ["春天醒来花就开", "la la la"]
    assert spec_of(engine, params(lyrics="")).sections[0].lyrics.endswith("# Lyric\n[Instrumental]<|endoftext|>")
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
    assert spec_of(engine, params(None, task=cases[2][0])).sections[0].frames == 125
    assert isinstance(spec_of(engine, params(None, task=cases[0][0])).model_task, RepaintWindow)
    assert spec_of(engine, params(None, task=AudioToAudio(recording(), 0.3))).model_task == Cover(0.3)


def test_faults_name_their_field(engine: AceStep15Engine) -> None:
    table: tuple[tuple[str, dict[str, Any]], ...] = (
        ("repaint.end_seconds", {"seconds": None, "task": Repaint(recording(), 1.0, 9.0)}),
        ("repaint.audio", {"seconds": None, "task": Repaint(b"no sound", 1.0, 9.0)}),
        ("extend.right_seconds", {"seconds": None, "task": Extend(recording(), 0.0, 599.0)}),
        ("duration_seconds", {"seconds": 10.0, "task": Extend(recording(), 0.0, 1.0)}),
        ("language", {"language": "tlh"}),
        ("lego.end_seconds", {"seconds": None, "task": Lego(recording(), Track.FX, 0.5, 9.0)}),
        ("lego.start_seconds", {"seconds": None, "task": Lego(recording(), Track.FX, 2.5)}),
        ("extract_track.audio", {"seconds": None, "task": ExtractTrack(b"no sound")}),
        ("reference_audio.audio", {"reference_audio": b"no sound"}),
        ("time_signature", {"time_signature": "5/4"}),
        ("negative_prompt", {"negative_prompt": "noise", "guidance_scale": 1.0}),
        ("negative_prompt", {"negative_prompt": "a very long prompt " * 60}),
        ("ace_step_15.guidance_end", {"options": AceStep15Options(guidance_end=0.5), "guidance_scale": 1.0}),
        ("ace_step_15.lora", {"options": AceStep15Options(lora="jazz")}),
        ("ace_step_15.mode", {"options": AceStep15Options(mode=GenerationMode.SECTIONED), "task": Retake()}),
        ("prompt", {"prompt": "a very long prompt " * 60}),
        ("lyrics", {"lyrics": "words of a song that does not end\n" * 250}),
    )
    for field, fields in table:
        with pytest.raises(InvalidParams) as refused:
            engine.plan(params(**fields))
        assert [violation.field for violation in refused.value.violations] == [field]


def test_what_guidance_leads_away_from_and_a_reference_are_encoded_in_place_of_the_usual(
    engine: AceStep15Engine,
) -> None:
    usual, asked = params(), params(negative_prompt="noise", reference_audio=recording())
    plain, other = ((plan := engine.plan(each), engine.prepare(plan, 0))[1] for each in (usual, asked))
    assert isinstance(plain, Conditions)
    assert isinstance(other, Conditions)
    assert plain.contexts.unconditional is not None
    assert other.contexts.unconditional is not None
    assert (plain.contexts.unconditional.tokens, other.contexts.unconditional.tokens > 1) == (1, True)
    # Lyrics come first, then the timbre, then the text: only the timbre differs.
    changed = (plain.contexts.conditional.keys - other.contexts.conditional.keys).abs().amax(dim=(0, 1, 3))
    words = len(engine._networks.tokenizer.encode(spec_of(engine, usual).sections[0].lyrics).ids)
    assert changed.nonzero().flatten().tolist() == [words]


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
