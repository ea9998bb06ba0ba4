"""Tests of songs that are generated section by section: latents and sound are continuous where two sections meet."""

import itertools
from collections.abc import Iterator

import numpy as np
import torch

from model.ace_step_15.engine import AceStep15Engine
from model.ace_step_15.options import AceStep15Options
from model.ace_step_15.planning.spec import CONTEXT_FRAMES, OVERLAP_FRAMES
from model.ace_step_15.states import Context, State
from model.engine import SectionContext
from model.shared.generation_mode import GenerationMode
from model.song import SongParams
from tests.model.ace_step_15.songs import begun, finish, params, spec_of

SECTIONED = AceStep15Options(mode=GenerationMode.SECTIONED)
LYRICS = "[verse]\nla la\nla la la\n[chorus]\nli li\n[verse]\nlo lo\n[chorus]\nli li"


def sections_of(engine: AceStep15Engine, asked: SongParams) -> Iterator[State]:
    context: SectionContext | None = None
    for index in range(len(spec_of(engine, asked).sections)):
        state = begun(engine, asked, index, context)
        finish(engine, state)
        yield state
        context = state.context()


def test_sections_meet_without_a_seam(engine: AceStep15Engine) -> None:
    codec = engine._networks.codec
    made = list(sections_of(engine, params(40.0, lyrics=LYRICS, steps=2, options=SECTIONED)))
    assert len(made) == 4
    settled = codec.config.context
    for before, after in itertools.pairwise(made):
        context = before.context()
        latents, start = after.trajectory.latents, after.first + settled
        assert torch.equal(latents[:start], context.tail)
        assert after.first == min(CONTEXT_FRAMES, sum(state.section.frames for state in made[: after.index]))
        # After the final frames the two sections are crossfaded, so the first frame is nearly that of the earlier
        # section.
        own = (latents[start + OVERLAP_FRAMES :] - latents[start + OVERLAP_FRAMES - 1]).abs().mean()
        apart = [(latents[start + frame] - context.beyond[frame]).abs().mean() for frame in (0, OVERLAP_FRAMES - 1)]
        assert apart[0] < 0.1 * own < apart[1]
    whole = torch.cat([state.trajectory.latents[state.first : state.last] for state in made])
    sound = np.concatenate([window for state in made for window in engine.render(state)], axis=1)
    expected = codec.decode(whole).numpy()
    np.testing.assert_allclose(sound, expected, rtol=0, atol=5e-5 * float(np.abs(expected).max()))


def test_the_next_section_follows_from_what_was_saved(engine: AceStep15Engine) -> None:
    asked = params(20.0, lyrics=LYRICS, steps=2, options=SECTIONED)
    first, second = sections_of(engine, asked)
    context = engine.restore(engine.plan(asked), 1, engine.save(first))
    assert isinstance(context, Context)
    again = begun(engine, asked, 1, context)
    finish(engine, again)
    assert torch.equal(again.trajectory.latents, second.trajectory.latents)


def test_a_song_of_ten_minutes_is_planned_whole_and_in_sections(engine: AceStep15Engine) -> None:
    words = "[verse]\n" + "la la la la\n" * 8 + "[chorus]\n" + "li li li li\n" * 8
    for options, count in ((None, 1), (SECTIONED, 16)):
        plan = engine.plan(params(600.0, lyrics=words * 8, options=options))
        assert (len(plan.sections), plan.duration_seconds) == (count, 600.0)
        assert plan.engine_samples == 600 * engine.info().sample_rate_hertz
        assert min(section.duration_seconds for section in plan.sections) >= 8.0
    spec = spec_of(engine, params(600.0, lyrics=words * 8, options=SECTIONED))
    assert max(section.window for section in spec.sections) < 0.1 * 15_000
    assert [section.text.count("Repaint the mask area") for section in spec.sections] == [0, *[1] * 15]
    assert sum(section.frames for section in spec.sections) == 15_000
    assert engine.info().duration_seconds == (10.0, 600.0)
