"""Tests of finished sections: the data that they keep in memory, and the bytes from which another process restores
them.
"""

import weakref

import numpy as np
import pytest

from model.ace_step.engine import AceStepEngine
from model.ace_step.options import AceStepOptions, Sampler
from model.ace_step.sampling.states import Conditions, Context, State
from model.shared.generation_mode import GenerationMode
from model.song import SongParams
from model.tasks import Edit, Repaint
from tests.support.ace_step_songs import begun, finish, params, recording, rendered
from tests.support.device_memory import reachable_tensors

TWO_SECTIONS = params(16.1, steps=2, options=AceStepOptions(mode=GenerationMode.SECTIONED, sampler=Sampler.HEUN))
SONGS = {
    "euler": params(10.0),
    "heun": params(10.0, guidance_scale=1.0, options=AceStepOptions(sampler=Sampler.HEUN)),
    "pingpong": params(10.0, options=AceStepOptions(sampler=Sampler.PINGPONG)),
    "repaint": params(None, task=Repaint(recording(), 2.0, 5.0)),
    "edit": params(None, task=Edit(recording(), "jazz", "[verse]\nla", 0.0, 0.7, 1)),
}


def test_restored_sections_sound_the_same_and_the_song_goes_on_the_same(engine: AceStepEngine) -> None:
    plan, again = engine.plan(TWO_SECTIONS), engine.plan(TWO_SECTIONS)
    first = engine.begin(plan, 0, engine.prepare(plan, 0), None)
    finish(engine, first)
    restored = engine.restore_section(again, 0, engine.save_section(first), None)
    assert (restored.step, restored.steps) == (first.step, first.steps)
    np.testing.assert_array_equal(rendered(engine, restored), rendered(engine, first))
    assert engine.save(restored) == engine.save(first)
    context, of_restored = engine.context(first), engine.context(restored)
    second = engine.begin(plan, 1, engine.prepare(plan, 1), context)
    other = engine.begin(again, 1, engine.prepare(again, 1), of_restored)
    finish(engine, second)
    finish(engine, other)
    saved = engine.save_section(second)
    assert engine.save_section(other) == saved
    # The first window of the second section is crossfaded with the sound after the first section.
    window = next(engine.render(second))
    np.testing.assert_array_equal(next(engine.render(engine.restore_section(again, 1, saved, of_restored))), window)


def test_an_unfinished_section_is_not_saved(engine: AceStepEngine) -> None:
    with pytest.raises(AssertionError):
        engine.save_section(begun(engine, params(10.0)))


def test_a_restored_section_takes_no_step(engine: AceStepEngine) -> None:
    state = begun(engine, params(10.0))
    finish(engine, state)
    restored = engine.restore_section(engine.plan(params(10.0)), 0, engine.save_section(state), None)
    with pytest.raises(RuntimeError, match="cannot be denoised further"):
        engine.denoise([restored])


@pytest.mark.parametrize("asked", SONGS.values(), ids=SONGS)
def test_nothing_but_latents_outlives_the_last_step(engine: AceStepEngine, asked: SongParams) -> None:
    plan = engine.plan(asked)
    conditions = engine.prepare(plan, 0)
    assert isinstance(conditions, Conditions)
    caches = [weakref.ref(tensor) for tensor in conditions.tensors]
    state = engine.begin(plan, 0, conditions, None)
    assert isinstance(state, State)
    del conditions
    finish(engine, state)
    assert [cache() for cache in caches if cache() is not None] == []
    assert [tensor is state.trajectory.latents for tensor in reachable_tensors(state)] == [True]


def test_a_later_section_keeps_only_the_overlap_of_the_one_before_it(engine: AceStepEngine) -> None:
    plan = engine.plan(TWO_SECTIONS)
    first = engine.begin(plan, 0, engine.prepare(plan, 0), None)
    finish(engine, first)
    context = engine.context(first)
    second = engine.begin(plan, 1, engine.prepare(plan, 1), context)
    finish(engine, second)
    assert isinstance(context, Context)
    assert isinstance(second, State)
    assert second.before is context.overlap
    assert [tensor is second.trajectory.latents for tensor in reachable_tensors(second)] == [True]


@pytest.mark.parametrize("sampler", Sampler)
def test_no_song_keeps_the_velocities_of_its_batch(engine: AceStepEngine, sampler: Sampler) -> None:
    asked = params(10.0, guidance_scale=1.0, options=AceStepOptions(sampler=sampler))
    states = [begun(engine, asked) for _ in range(3)]
    engine.denoise(states)
    assert all(tensor.untyped_storage().nbytes() == tensor.nbytes for tensor in reachable_tensors(states[0]))
