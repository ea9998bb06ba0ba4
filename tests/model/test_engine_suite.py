"""Tests of the properties that every engine must have; a new engine is tested by adding it to `ENGINES`.

Two of these engines are fakes, which stand for kinds of engines: songs of `exact` are as long as planned; `ending` ends
sections and songs early, and has no denoising steps.
"""

import itertools
import re
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from packaging.licenses import canonicalize_license_expression

from model.ace_step.options import AceStepOptions
from model.ace_step_15.options import AceStep15Options
from model.engine import Engine, SectionContext
from model.registry import load_engine
from model.shared.generation_mode import GenerationMode
from model.song import Control, SectionScore, Stem, Voice
from tests.support.ace_step import ace_step_options
from tests.support.ace_step_15_checkpoint import ace_step_15_options
from tests.support.engine_songs import denoised_ahead, finish, made, make_song, planned, rendered
from tests.support.musicgen_checkpoint import musicgen_options

ENGINES = ("exact", "ending", "studio", "ace_step", "ace_step_15", "musicgen")
FACTORIES = {"exact": "tests.support.fakes:ExactEngine", "ending": "tests.support.ending_engine:EndingEngine"}
TOLERANCES = {"exact": 0.0, "ending": 0.0, "studio": 0.0, "ace_step": 1e-4, "ace_step_15": 1e-4, "musicgen": 0.0}


@pytest.fixture(params=ENGINES, scope="module")
def engine(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Engine:
    options: dict[str, object] = {}
    if request.param == "ace_step":
        options = ace_step_options(tmp_path_factory.mktemp("ace_step")) | {"mode": "sectioned"}
    if request.param == "ace_step_15":
        options = ace_step_15_options(tmp_path_factory.mktemp("ace_step_15")) | {"mode": "sectioned"}
    if request.param == "musicgen":
        options = musicgen_options(tmp_path_factory.mktemp("musicgen"))
    return load_engine(request.param, "cpu", FACTORIES.get(request.param, ""), options)


@pytest.fixture(scope="module")
def song(engine: Engine) -> Sequence[tuple[SectionScore, np.ndarray]]:
    """Generate a song with several sections (see `planned`), and return the score and the sound of each section."""
    return list(made(engine, planned(engine)))


@pytest.fixture(scope="module")
def sections(song: Sequence[tuple[SectionScore, np.ndarray]]) -> Sequence[np.ndarray]:
    """Return the sound of each section of the song that the fixture `song` generates."""
    return [sound for _, sound in song]


def test_plan_is_the_same_for_the_same_parameters(engine: Engine) -> None:
    assert planned(engine) == planned(engine)


def test_plan_sections_follow_each_other_without_gap(engine: Engine) -> None:
    plan = planned(engine)
    ends = [section.start_seconds + section.duration_seconds for section in plan.sections]
    assert [section.start_seconds for section in plan.sections] == pytest.approx([0.0, *ends[:-1]])
    assert ends[-1] == pytest.approx(plan.duration_seconds)


def test_every_section_renders_its_planned_samples_or_fewer_where_the_length_is_not_exact(
    engine: Engine, sections: Sequence[np.ndarray]
) -> None:
    plan, rate = planned(engine), engine.info().sample_rate_hertz
    for section, sound in zip(plan.sections, sections, strict=engine.info().length_is_exact):
        end = round((section.start_seconds + section.duration_seconds) * rate)
        missing = end - round(section.start_seconds * rate) - sound.shape[1]
        assert abs(missing) <= 1 if engine.info().length_is_exact else missing > 0


def test_what_an_engine_tells_is_within_the_contract(engine: Engine) -> None:
    info = engine.info()
    shortest, longest = info.duration_seconds
    assert 3.0 <= shortest < longest <= 600.0
    assert all(url.startswith("https://") for url in info.license_urls)
    assert (info.steps is None) == (info.default_steps is None) == (planned(engine).steps is None)
    assert (info.steps is not None) == (Control.STEPS in info.controls)
    assert info.length_is_exact == (planned(engine).engine_samples is not None)


def test_only_a_section_of_an_engine_without_exact_length_ends_early(engine: Engine) -> None:
    exact, plan, context = engine.info().length_is_exact, planned(engine), None
    early: list[bool] = []
    for section in plan.sections:
        conditions = engine.prepare(plan, section.index)
        state = engine.begin(plan, section.index, conditions, context)
        assert (state.group, state.steps, state.ends_song) == (conditions.group, conditions.steps, False)
        counts = [state.steps]
        while state.step < state.steps:
            engine.denoise([state])
            counts.append(state.steps)
        assert counts == sorted(counts, reverse=True)
        assert state.step == state.steps >= 1
        early.append(state.ends_song or state.steps < conditions.steps)
        if state.ends_song:
            break
        context = engine.context(state)
    assert any(early) != exact


def test_the_licence_is_an_spdx_expression_whose_own_names_are_explained(engine: Engine) -> None:
    told = engine.info().license
    assert canonicalize_license_expression(told) == told
    explained = (Path(__file__).resolve().parents[2] / "THIRD_PARTY.md").read_text("utf-8")
    assert [name for name in re.findall(r"LicenseRef-[\w.-]+", told) if f"`{name}`" not in explained] == []


@pytest.mark.parametrize(
    "changes",
    [
        {"duration_seconds": 10.0, "mode": GenerationMode.WHOLE},
        {"duration_seconds": 27.3, "mode": GenerationMode.WHOLE},
        {"duration_seconds": 27.3, "mode": GenerationMode.SECTIONED},
        {"tempo_bpm": 93.7, "mode": GenerationMode.SECTIONED},
    ],
)
def test_the_samples_that_a_plan_tells_are_those_of_its_song(engine: Engine, changes: dict[str, Any]) -> None:
    if engine.info().name not in ("ace_step", "ace_step_15") and changes == {
        "duration_seconds": 27.3,
        "mode": GenerationMode.SECTIONED,
    }:
        return  # the engine has no option `mode`
    changes = dict(changes)
    mode = changes.pop("mode")
    options = {"ace_step": AceStepOptions(mode=mode), "ace_step_15": AceStep15Options(mode=mode)}
    plan = planned(engine, options=options.get(engine.info().name), **changes)
    made_samples = sum(sound.shape[1] for sound in make_song(engine, plan))
    if plan.engine_samples is None:
        assert made_samples <= plan.duration_seconds * engine.info().sample_rate_hertz
    else:
        assert made_samples == plan.engine_samples


def test_rendered_sound_has_the_told_channels_and_is_float32_finite_and_audible(
    engine: Engine, sections: Sequence[np.ndarray]
) -> None:
    sound = np.concatenate(sections, axis=1)
    assert sound.shape[0] == engine.info().channels
    assert sound.shape[0] in (1, 2)
    assert sound.dtype == np.float32
    assert np.isfinite(sound).all()
    assert 0.02 < np.sqrt((sound**2).mean()) < 0.5


def test_same_seed_gives_the_same_song_and_another_seed_does_not(
    engine: Engine, sections: Sequence[np.ndarray]
) -> None:
    first = np.concatenate(sections, axis=1)
    again, other = (np.concatenate(make_song(engine, planned(engine, seed)), axis=1) for seed in (1, 2))
    assert np.array_equal(first, again)
    assert first.shape != other.shape or not np.array_equal(first, other)


def test_neighbours_in_the_batch_change_nothing(engine: Engine) -> None:
    plans = [planned(engine, seed, 10.0 + seed) for seed in range(4)]
    alone = [engine.begin(plan, 0, engine.prepare(plan, 0), None) for plan in plans]
    for state in alone:
        finish(engine, [state])
    together = [engine.begin(plan, 0, engine.prepare(plan, 0), None) for plan in plans]
    engine.denoise(together[:1])
    finish(engine, together)
    for one, other in zip(alone, together, strict=True):
        assert engine.score(one) == engine.score(other)
        first, second = (np.concatenate(list(engine.render(state)), axis=1) for state in (one, other))
        # Equal to the bit for some engines; in others a larger batch changes the order of summation.
        np.testing.assert_allclose(first, second, rtol=0, atol=TOLERANCES[engine.info().name])


def test_every_syllable_is_sung_once_and_in_order(
    engine: Engine, song: Sequence[tuple[SectionScore, np.ndarray]]
) -> None:
    plan = planned(engine)
    for section, (score, _) in zip(plan.sections, song, strict=engine.info().length_is_exact):
        timings = score.timings
        assert [t.text for t in timings] == [s.text for line in section.lines for s in line.syllables]
        assert all(a.end_seconds <= b.start_seconds + 1e-6 for a, b in itertools.pairwise(timings))
        assert all(t.start_seconds < t.end_seconds <= plan.duration_seconds + 1e-6 for t in timings)


def test_a_switched_off_stem_is_silent(engine: Engine) -> None:
    if Control.STEMS not in engine.info().controls:
        pytest.skip("the engine makes no stems")
    plan = planned(engine, stems=frozenset({Stem.DRUMS}), duration_seconds=10.0)
    everything = planned(engine, duration_seconds=10.0)
    drums, full = (np.concatenate(make_song(engine, p), axis=1) for p in (plan, everything))
    assert (drums**2).sum() < 0.7 * (full**2).sum()


@pytest.mark.parametrize("voice", Voice)
def test_the_asked_voice_is_planned_where_the_engine_has_it(engine: Engine, voice: Voice) -> None:
    if Control.VOICE not in engine.info().controls:
        pytest.skip("the engine lets nobody choose a voice")
    assert planned(engine, voice=voice).voice is (voice if voice in engine.info().voices else None)


def test_an_engine_has_voices_exactly_where_they_can_be_chosen(engine: Engine) -> None:
    assert (Control.VOICE in engine.info().controls) == bool(engine.info().voices)


@pytest.mark.parametrize(("stem", "gain_db"), [(Stem.VOCAL, 6.0), (Stem.DRUMS, 0.0)])
def test_the_vocal_level_raises_the_lead_line_and_nothing_else(engine: Engine, stem: Stem, gain_db: float) -> None:
    if Control.VOCAL_LEVEL not in engine.info().controls:
        pytest.skip("this engine has no vocal level")
    usual, raised = (
        np.concatenate(
            make_song(engine, planned(engine, 1, 10.0, stems=frozenset({stem}), vocal_level_db=level)), axis=1
        )
        for level in (0.0, 6.0)
    )
    assert usual.any()
    assert np.allclose(raised, usual * 10 ** (gain_db / 20), atol=1e-5)


def test_chords_fill_the_section_without_gap(engine: Engine, song: Sequence[tuple[SectionScore, np.ndarray]]) -> None:
    chords, section = song[0][0].chords, planned(engine).sections[0]
    assert [chord.end_seconds for chord in chords[:-1]] == pytest.approx([chord.start_seconds for chord in chords[1:]])
    if chords:
        end_seconds = section.start_seconds + song[0][1].shape[1] / engine.info().sample_rate_hertz
        assert chords[0].start_seconds == pytest.approx(section.start_seconds)
        assert chords[-1].end_seconds == pytest.approx(end_seconds, abs=1e-4)


def test_conditions_tell_what_a_section_costs_without_those_before_it(engine: Engine) -> None:
    plan = planned(engine)
    for section in reversed(plan.sections):
        conditions = engine.prepare(plan, section.index)
        assert min(conditions.cost, conditions.length, conditions.memory_bytes) > 0
        assert conditions.steps == (plan.steps or conditions.steps) >= 1
        assert conditions.cost >= conditions.length


def test_a_song_goes_on_from_what_was_saved_as_if_it_had_never_stopped(
    engine: Engine, sections: Sequence[np.ndarray]
) -> None:
    context: SectionContext | None = None
    for section, expected in zip(planned(engine).sections, sections, strict=engine.info().length_is_exact):
        again = planned(engine)
        state = engine.begin(again, section.index, engine.prepare(again, section.index), context)
        finish(engine, [state])
        np.testing.assert_array_equal(np.concatenate(list(engine.render(state)), axis=1), expected)
        context = engine.restore(again, section.index, engine.save(state))


def test_finished_sections_sound_the_same_where_they_are_restored_and_so_does_what_follows(
    engine: Engine, sections: Sequence[np.ndarray]
) -> None:
    plan = planned(engine)
    saved, first_context = denoised_ahead(engine, plan, max(1, len(sections) - 1))
    again = planned(engine)
    for start, context in ((0, None), (1, engine.restore(again, 0, first_context))):
        for index, finished in enumerate(saved[start:], start):
            state = engine.restore_section(again, index, finished, context)
            assert state.step == state.steps
            sound = rendered(engine, state)
            np.testing.assert_array_equal(sound, sections[index])
            context = engine.context(state)
        if len(saved) == len(sections):
            continue  # an engine that generates whole songs
        last = engine.begin(again, len(saved), engine.prepare(again, len(saved)), context)
        finish(engine, [last])
        np.testing.assert_array_equal(rendered(engine, last), sections[-1])


def test_saving_changes_nothing(engine: Engine, sections: Sequence[np.ndarray]) -> None:
    plan = planned(engine)
    context: SectionContext | None = None
    for section, expected in zip(plan.sections, sections, strict=engine.info().length_is_exact):
        state = engine.begin(plan, section.index, engine.prepare(plan, section.index), context)
        finish(engine, [state])
        np.testing.assert_array_equal(np.concatenate(list(engine.render(state)), axis=1), expected)
        engine.save(state)
        context = engine.context(state)


def test_a_section_may_be_rendered_while_the_next_one_is_denoised(
    engine: Engine, sections: Sequence[np.ndarray]
) -> None:
    plan = planned(engine)
    sounds: list[np.ndarray] = []
    context: SectionContext | None = None
    with ThreadPoolExecutor(1) as renderer:
        rendering: list[Future[np.ndarray]] = []
        for section in plan.sections[: len(sections)]:
            conditions = renderer.submit(engine.prepare, plan, section.index).result()
            state = engine.begin(plan, section.index, conditions, context)
            finish(engine, [state])
            rendering.append(renderer.submit(rendered, engine, state))
            context = engine.context(state)
        sounds = [future.result() for future in rendering]
    for sound, same in zip(sounds, sections, strict=True):
        np.testing.assert_array_equal(sound, same)
