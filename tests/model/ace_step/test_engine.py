"""Tests of ACE-Step v1 that the common tests of all engines do not contain: licences, plans, sections, recordings,
refused requests, and songs that are denoised together. The weights are random.
"""

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import torch

from model.ace_step.engine import AceStepEngine, licences_of
from model.ace_step.networks.text_encoder import MAX_TOKENS
from model.ace_step.options import AceStepOptions, Sampler
from model.ace_step.planning.form import merged, parts_of, shares
from model.ace_step.sampling.batched_forward import BatchedForward
from model.ace_step.sampling.generation_spec import GenerationSpec
from model.ace_step.sampling.states import LOOKAHEAD_FRAMES, State
from model.ace_step.settings import AceStepSettings
from model.engine import EngineUnavailable
from model.shared.generation_mode import GenerationMode
from model.song import InvalidParams, SectionKind, SongParams, Voice
from model.tasks import AudioToAudio, Extend, Repaint
from tests.support.ace_step import ace_step_options
from tests.support.ace_step_songs import LYRICS, begun, finish, params, recording


@pytest.mark.parametrize(
    ("choices", "parts"),
    [
        ({}, ["Apache-2.0", "LicenseRef-ACE-Step-lyric-vocabulary"]),
        ({"checkpoint": "/models/mine"}, ["LicenseRef-other-checkpoint", "LicenseRef-ACE-Step-lyric-vocabulary"]),
        (
            {"loras": {"rap": "/models/rap"}},
            ["Apache-2.0", "LicenseRef-ACE-Step-lyric-vocabulary", "LicenseRef-adapters"],
        ),
    ],
)
def test_the_licence_is_that_of_what_was_chosen(choices: dict[str, Any], parts: list[str]) -> None:
    assert [licence.name for licence in licences_of(AceStepSettings(**choices))] == parts


def test_commercial_use_is_not_allowed_while_the_terms_of_the_vocabulary_are_unclear(engine: AceStepEngine) -> None:
    assert not engine.info().commercial_use_allowed


def test_a_whole_song_is_one_section_of_all_lines(engine: AceStepEngine) -> None:
    plan = engine.plan(params())
    assert [section.kind for section in plan.sections] == [SectionKind.SONG]
    assert [line.text for line in plan.sections[0].lines] == ["春天醒来花就开", "我要飞向那片海"]


def test_sections_have_their_own_lines_and_make_up_the_song(engine: AceStepEngine) -> None:
    plan = engine.plan(params(40.0, options=AceStepOptions(mode=GenerationMode.SECTIONED)))
    assert [section.label for section in plan.sections] == ["verse", "chorus"]
    spec = plan.detail
    assert isinstance(spec, GenerationSpec)
    assert sum(spec.frames) == 430
    assert spec.words[0] != spec.words[1]


def test_defaults_are_those_of_the_release(engine: AceStepEngine) -> None:
    plan = engine.plan(SongParams("pop", LYRICS, 1))
    assert (plan.steps, plan.guidance_scale) == (60, 15.0)
    spec = plan.detail
    assert isinstance(spec, GenerationSpec)
    assert (spec.sampler, spec.omega) == (Sampler.EULER, 10.0)


def test_what_the_prompt_can_say_is_said_in_it(engine: AceStepEngine) -> None:
    plan = engine.plan(params(tempo_bpm=105.0, key="C major", voice=Voice.FEMALE))
    spec = plan.detail
    assert isinstance(spec, GenerationSpec)
    assert spec.prompt == "pop, 105 BPM, C major, female vocal"
    assert "may not follow them exactly" in plan.notes[0]


def test_strangers_at_different_steps_equal_each_alone(engine: AceStepEngine) -> None:
    asked = [
        params(10.0),
        params(13.0, options=AceStepOptions(sampler=Sampler.HEUN), guidance_scale=1.0),
        params(None, task=AudioToAudio(recording(), 0.3)),
        params(21.0, steps=5, options=AceStepOptions(mode=GenerationMode.SECTIONED, sampler=Sampler.PINGPONG)),
    ]
    alone = [begun(engine, each) for each in asked]
    for state in alone:
        finish(engine, state)
    together = [begun(engine, each) for each in asked]
    engine.denoise(together[:1])
    engine.denoise(together[1:3])
    finish(engine, *together)
    for one, other in zip(alone, together, strict=True):
        torch.testing.assert_close(other.trajectory.latents, one.trajectory.latents, rtol=0, atol=1e-4)


def test_a_section_keeps_what_was_before_it_and_grows_out_of_what_came_next(engine: AceStepEngine) -> None:
    plan = engine.plan(params(24.0, options=AceStepOptions(mode=GenerationMode.SECTIONED)))
    first = engine.begin(plan, 0, engine.prepare(plan, 0), None)
    finish(engine, first)
    second = engine.begin(plan, 1, engine.prepare(plan, 1), engine.context(first))
    finish(engine, second)
    assert isinstance(first, State)
    assert isinstance(second, State)
    before, after = first.trajectory.latents, second.trajectory.latents
    tail = before[..., first.last - second.first : first.last]
    assert torch.equal(after[..., : second.first], tail)
    beyond, grown = before[..., first.last :], after[..., second.first : second.first + LOOKAHEAD_FRAMES]
    differences = (grown - beyond).abs().mean(dim=(0, 1, 2))
    assert differences[0] < 0.25 * differences[-1]


def test_sections_join_without_a_click(engine: AceStepEngine) -> None:
    plan, context, sounds = engine.plan(params(24.0, options=AceStepOptions(mode=GenerationMode.SECTIONED))), None, []
    for section in plan.sections:
        state = engine.begin(plan, section.index, engine.prepare(plan, section.index), context)
        finish(engine, state)
        sounds.append(np.concatenate(list(engine.render(state)), axis=1))
        context = engine.context(state)
    jumps = np.abs(np.diff(np.concatenate(sounds, axis=1), axis=1))
    seam = sounds[0].shape[1]
    assert jumps[:, seam - 1 : seam + 1024].max() <= np.quantile(jumps, 0.9999)


def test_a_repaint_leaves_the_rest_as_it_was(engine: AceStepEngine) -> None:
    state = begun(engine, params(None, task=Repaint(recording(), 4.0, 6.0, variance=1.0)))
    finish(engine, state)
    sound = torch.from_numpy(soundfile.read(io.BytesIO(recording()), dtype="float32")[0].T)
    source = engine._networks.codec.encode(sound)
    assert torch.equal(state.trajectory.latents[..., :43], source[..., :43])
    assert torch.equal(state.trajectory.latents[..., 64:], source[..., 64:])
    assert not torch.equal(state.trajectory.latents[..., 43:64], source[..., 43:64])


def test_an_extension_may_be_longer_than_the_recording_on_both_sides(engine: AceStepEngine) -> None:
    state = begun(engine, params(None, task=Extend(recording(), 12.0, 25.0)))
    finish(engine, state)
    assert state.trajectory.latents.shape[-1] == 129 + 119 + 269


def test_mono_recordings_are_read(engine: AceStepEngine) -> None:
    assert begun(engine, params(None, task=AudioToAudio(recording(11.0, 1, 22_050)))).frames == 119


@pytest.mark.parametrize(
    ("task", "field"),
    [
        (AudioToAudio(b""), "audio_to_audio.audio"),
        (AudioToAudio(recording(0.5)), "audio_to_audio.audio"),
        (AudioToAudio(recording(3.0, 3)), "audio_to_audio.audio"),
        (Repaint(recording(), 5.0, 4.0), "repaint.end_seconds"),
        (Extend(recording(), 0.0, 239.0), "extend.right_seconds"),
    ],
)
def test_recordings_that_cannot_be_used_are_refused_by_field(
    engine: AceStepEngine, task: AudioToAudio | Repaint | Extend, field: str
) -> None:
    with pytest.raises(InvalidParams) as caught:
        engine.plan(params(None, task=task))
    assert [violation.field for violation in caught.value.violations] == [field]


def test_lyrics_longer_than_the_model_was_trained_with_are_refused(engine: AceStepEngine) -> None:
    with pytest.raises(InvalidParams, match="tokens long; at most 4096"):
        engine.plan(SongParams("pop", "la la la la la\n" * 600, 1, 20.0))


def test_prompts_end_where_the_model_stops_reading(engine: AceStepEngine) -> None:
    assert len(engine._networks.text_encoder.tokens("la " * 999)) == MAX_TOKENS


def test_memory_and_cost_grow_with_rows_and_frames(engine: AceStepEngine) -> None:
    def conditions(**fields: object) -> tuple[int, int, int]:
        made = engine.prepare(engine.plan(params(**fields)), 0)  # type: ignore[arg-type]
        return made.cost, made.length, made.memory_bytes

    plain, unguided, longer = conditions(), conditions(guidance_scale=1.0), conditions(seconds=36.0)
    assert plain[0] == 2 * plain[1] == 2 * unguided[0]
    assert plain[2] >= unguided[2]
    assert longer[2] > 1.5 * plain[2]


@pytest.mark.parametrize(
    ("slack", "passes"), [(0.0, [[3], [1], [0, 2]]), (0.125, [[3, 1], [0, 2]]), (9.0, [[3, 1, 0, 2]])]
)
def test_rows_of_about_one_length_share_a_pass(engine: AceStepEngine, slack: float, passes: list[list[int]]) -> None:
    forward = BatchedForward(engine._networks.transformer, slack=slack)
    assert forward._groups([100, 190, 100, 200]) == passes


def test_compiled_blocks_give_the_same(engine: AceStepEngine, tmp_path: Path) -> None:
    compiled = AceStepEngine.load("cpu", **ace_step_options(tmp_path))
    blocks = compiled._networks.transformer.transformer_blocks
    for block in blocks:
        block.compile(backend="aot_eager", dynamic=False)
    compiled._forward = BatchedForward(compiled._networks.transformer)
    one, other = begun(engine, params(10.0)), begun(compiled, params(10.0))
    engine.denoise([one])
    compiled.denoise([other])
    torch.testing.assert_close(other.trajectory.latents, one.trajectory.latents, rtol=0, atol=1e-4)


def test_a_missing_device_is_named(tmp_path: Path) -> None:
    with pytest.raises(EngineUnavailable, match="there is no device cuda:99"):
        AceStepEngine.load("cuda:99", **ace_step_options(tmp_path))


def test_sections_are_put_together_where_there_is_no_room() -> None:
    parts = parts_of("[intro]\n[verse]\na\nb\n[chorus]\nc\n[outro]")
    assert [part.kind for part in parts] == [
        SectionKind.INTRO, SectionKind.VERSE, SectionKind.CHORUS, SectionKind.OUTRO,
    ]  # fmt: skip
    kept = merged(parts, 17.0)
    assert len(kept) == 2
    assert [line for part in kept for line in part.lines if not line.startswith("[")] == ["a", "b", "c"]


def test_shares_add_up_and_leave_no_section_out() -> None:
    parts = parts_of("[verse]\n" + "a\n" * 30 + "[chorus]\nb")
    for frames in (172, 500, 2583):
        given = shares(parts, frames)
        assert sum(given) == frames
        assert min(given) >= 86


def test_half_precision_makes_about_the_same_song(engine: AceStepEngine, tmp_path: Path) -> None:
    half = AceStepEngine.load("cpu", **ace_step_options(tmp_path) | {"dtype": "bfloat16"})
    asked = params(None, task=AudioToAudio(recording(), 0.5))
    one, other = begun(engine, asked), begun(half, asked)
    finish(engine, one)
    finish(half, other)
    # Processors sum bfloat16 numbers in different orders; differences of 6 to 12 % of the mean magnitude were measured.
    assert (other.trajectory.latents - one.trajectory.latents).abs().mean() < 0.2 * one.trajectory.latents.abs().mean()
    sound = np.concatenate(list(half.render(other)), axis=1)
    mel = torch.randn(2, 128, 20, generator=torch.Generator().manual_seed(0)) - 5.0
    assert torch.equal(half._networks.codec.sound(mel), engine._networks.codec.sound(mel))
    assert np.isfinite(sound).all()
    assert sound.shape == (2, 119 * 4096)
