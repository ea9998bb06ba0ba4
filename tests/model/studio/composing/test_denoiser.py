import pickle
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from model.song import SectionKind
from model.studio.composing.denoiser import SHIPPED_WEIGHTS, ScoreDenoiser
from model.studio.composing.score_state import ScoreState
from model.studio.composing.section_spec import Memory, SectionSpec
from model.studio.notation.score import Note, Score
from model.training.whole_songs.singing import tone_moves
from model.weights import WeightsMismatch, load_weights, save_weights

STEPS = 6
LINES = ((1, 2, 3, 4, 1, 2, 4), (3, 4, 1, 1, 2, 4, 1, 4))
VERSE = SectionSpec(SectionKind.VERSE, 4, LINES, (2, 2), transpose=2)
CHORUS = replace(VERSE, kind=SectionKind.CHORUS)
INTRO = SectionSpec(SectionKind.INTRO, 3, density=3)
LONG = SectionSpec(SectionKind.VERSE, 16, LINES * 4, (2,) * 8, minor=True, transpose=-3)
ENDING = replace(LONG, kind=SectionKind.OUTRO, bars=4, lines=(), line_bars=(), final=True)


@pytest.fixture(scope="module")
def denoiser() -> ScoreDenoiser:
    torch.set_num_threads(1)
    return ScoreDenoiser.load()


def write(
    denoiser: ScoreDenoiser, spec: SectionSpec, memory: Memory | None = None, seed: int = 0
) -> tuple[Score, Memory]:
    state = denoiser.begin(spec, memory or Memory(), seed=seed, steps=STEPS, guidance_scale=1.5)
    while state.step < state.steps:
        denoiser.denoise([state])
    return denoiser.finish(state)


def syllables(score: Score) -> list[int]:
    return [note.syllable for note in score.melody if note.syllable is not None]


@pytest.mark.parametrize("spec", [VERSE, CHORUS, LONG], ids=lambda spec: f"{spec.kind}-{spec.bars}")
@pytest.mark.parametrize("seed", [0, 1])
def test_every_syllable_begins_exactly_one_note(denoiser: ScoreDenoiser, spec: SectionSpec, seed: int) -> None:
    score, _ = write(denoiser, spec, seed=seed)
    assert syllables(score) == list(range(sum(len(tones) for tones in spec.lines)))
    assert all(before.end <= after.start for before, after in zip(score.melody, score.melody[1:], strict=False))
    assert len(score.chords) == spec.beats
    assert score.melody[-1].end <= spec.steps


def test_results_do_not_depend_on_neighbours(denoiser: ScoreDenoiser) -> None:
    briefs = [VERSE, INTRO, LONG, CHORUS, ENDING]
    states = [denoiser.begin(b, Memory(), seed=i, steps=STEPS, guidance_scale=1.5) for i, b in enumerate(briefs)]
    states.append(denoiser.begin(VERSE, Memory(), seed=9, steps=STEPS, guidance_scale=1.0))
    denoiser.denoise(states[:2])
    for _ in range(STEPS - 1):
        denoiser.denoise(states[:2])
    for _ in range(STEPS):
        denoiser.denoise(states[2:])
    together = [denoiser.finish(state) for state in states[:5]]
    assert together == [write(denoiser, spec, seed=index) for index, spec in enumerate(briefs)]


def test_a_batch_of_states_at_other_steps_and_lengths_changes_no_bit(denoiser: ScoreDenoiser) -> None:
    _, memory = write(denoiser, VERSE, seed=20)
    shorter = replace(LONG, bars=12, lines=LINES * 2, line_bars=(2,) * 4, final=True)
    briefs = [VERSE, INTRO, LONG, CHORUS, ENDING, replace(VERSE, minor=True), shorter, LONG]

    def begun() -> list[ScoreState]:
        return [
            denoiser.begin(spec, memory, seed=i, steps=4 + i, guidance_scale=1.0 + i % 3)
            for i, spec in enumerate(briefs)
        ]

    alone, together = begun(), begun()
    for state in alone:
        while state.step < state.steps:
            denoiser.denoise([state])
    for behind in range(3):
        denoiser.denoise(together[behind + 1 :: 2])
    while pending := [state for state in together if state.step < state.steps]:
        denoiser.denoise(pending)
    assert all(torch.equal(one.latent, other.latent) for one, other in zip(alone, together, strict=True))
    assert [denoiser.finish(state) for state in alone] == [denoiser.finish(state) for state in together]


def test_a_section_written_again_is_the_same(denoiser: ScoreDenoiser) -> None:
    assert write(denoiser, VERSE, seed=3) == write(denoiser, VERSE, seed=3)


def test_more_steps_write_other_music(denoiser: ScoreDenoiser) -> None:
    scores: dict[int, list[Score]] = {4: [], 9: []}
    for steps, written in scores.items():
        for seed in range(3):
            state = denoiser.begin(CHORUS, Memory(), seed=seed, steps=steps, guidance_scale=1.5)
            while state.step < state.steps:
                denoiser.denoise([state])
            written.append(denoiser.finish(state)[0])
    assert scores[4] != scores[9]


def test_one_step_is_too_few(denoiser: ScoreDenoiser) -> None:
    with pytest.raises(ValueError, match="at least 2 denoising steps"):
        denoiser.begin(VERSE, Memory(), seed=0, steps=1, guidance_scale=1.0)


def shared_tune(first: Score, second: Score) -> float:
    """Return the share of the first score's notes that the second score has at the same step and pitch."""
    notes = {(note.start, note.pitch) for note in first.melody}
    return len(notes & {(note.start, note.pitch) for note in second.melody}) / len(notes)


@pytest.mark.parametrize("seed", range(3))
def test_a_section_of_another_kind_is_another_tune(denoiser: ScoreDenoiser, seed: int) -> None:
    verse, memory = write(denoiser, VERSE, seed=seed)
    assert shared_tune(verse, write(denoiser, CHORUS, memory, seed=seed + 10)[0]) < 0.5
    assert shared_tune(verse, write(denoiser, VERSE, memory, seed=seed + 10)[0]) > 0.9


@pytest.mark.parametrize("seed", range(4))
def test_a_tune_heard_before_ends_the_song_on_the_tonic_and_differs_nowhere_else(
    denoiser: ScoreDenoiser, seed: int
) -> None:
    verse, memory = write(denoiser, VERSE, seed=seed)
    last, _ = write(denoiser, replace(VERSE, final=True), memory, seed=seed)
    assert last.melody[-1].pitch % 12 == 2
    assert last.melody[:-1] == verse.melody[:-1]


def test_an_anchor_may_rest_while_a_line_is_sung(denoiser: ScoreDenoiser) -> None:
    late = Note(40, 4, 66)
    score, _ = write(denoiser, replace(VERSE, anchor=(late,)))
    assert syllables(score) == list(range(15))
    assert late in [replace(note, syllable=None) for note in score.melody]


def test_the_anchor_has_the_last_word(denoiser: ScoreDenoiser) -> None:
    anchor = (Note(0, 56, 61), Note(56, 8, 63))
    score, _ = write(denoiser, replace(ENDING, anchor=anchor))
    assert score.melody == anchor


@pytest.mark.parametrize("change", ["missing", "surplus", "shape", "sizes"])
def test_weights_of_something_else_are_refused(tmp_path: Path, change: str) -> None:
    weights = load_weights(SHIPPED_WEIGHTS)
    tensors, config = dict(weights.tensors), dict(weights.config)
    if change == "missing":
        del tensors["melody.intervals"]
    elif change == "surplus":
        tensors["harmony.more"] = torch.zeros(1)
    elif change == "shape":
        tensors["harmony.moves"] = torch.zeros(2, 3, 3)
    else:
        config["depth"] = 3
    save_weights(tmp_path / "score.safetensors", tensors, config)
    with pytest.raises(WeightsMismatch, match="restore the file"):
        ScoreDenoiser.load(tmp_path / "score.safetensors")


def test_a_batch_leaves_the_latent_bit_for_bit_as_it_is_alone(denoiser: ScoreDenoiser) -> None:
    alone, beside, other = (
        denoiser.begin(spec, Memory(), seed=4, steps=STEPS, guidance_scale=1.5) for spec in (VERSE, VERSE, CHORUS)
    )
    denoiser.denoise([alone])
    denoiser.denoise([other, beside])
    assert torch.equal(alone.latent, beside.latent)


def test_other_seeds_write_other_music(denoiser: ScoreDenoiser) -> None:
    assert write(denoiser, VERSE, seed=1)[0] != write(denoiser, VERSE, seed=2)[0]


def test_a_repeated_verse_is_the_same_tune(denoiser: ScoreDenoiser) -> None:
    first, memory = write(denoiser, VERSE, seed=1)
    assert write(denoiser, VERSE, memory, seed=2)[0] == first


def test_a_repeated_verse_with_other_words_keeps_its_chords(denoiser: ScoreDenoiser) -> None:
    first, memory = write(denoiser, VERSE, seed=1)
    again, _ = write(denoiser, replace(VERSE, lines=((1,) * 6, (4,) * 9)), memory, seed=2)
    assert [(chord.root, chord.quality) for chord in again.chords] == [(c.root, c.quality) for c in first.chords]
    assert len(syllables(again)) == 15


def agreement(score: Score, lines: tuple[tuple[int, ...], ...]) -> float:
    """Return the share of the melody's rising and falling moves between syllables that agree with the direction of the
    lexical tones. `lines` holds the lexical tones of each line's syllables.
    """
    moves = [move for move in tone_moves(score.melody, lines) if move.rise]
    return sum(move.agrees for move in moves) / len(moves)


def test_tunes_follow_the_tones_of_their_words(denoiser: ScoreDenoiser) -> None:
    deaf = ScoreDenoiser.load(tone_weight=0.0)
    heard, unheard = (
        np.mean([agreement(write(by, replace(VERSE, minor=seed % 2 == 1), seed=seed)[0], LINES) for seed in range(6)])
        for by in (denoiser, deaf)
    )
    assert heard > 0.65
    assert heard > unheard + 0.1


def test_other_words_with_as_many_syllables_get_the_tune_with_small_changes(denoiser: ScoreDenoiser) -> None:
    words = ((4, 1, 2, 3, 1, 3, 1), (1, 2, 4, 3, 4, 1, 3, 2))
    shares, gains = [], []
    for seed in range(5):
        first, memory = write(denoiser, VERSE, seed=seed)
        again, _ = write(denoiser, replace(VERSE, lines=words), memory, seed=seed + 20)
        assert [note.start for note in again.melody] == [note.start for note in first.melody]
        shares.append(shared_tune(first, again))
        gains.append(agreement(again, words) - agreement(first, words))
    assert 0.4 < np.mean(shares) < 1.0
    assert np.mean(gains) > 0.1


def test_the_anchor_is_kept_exactly_and_continued(denoiser: ScoreDenoiser) -> None:
    anchor = (Note(0, 3, 64), Note(4, 2, 67), Note(6, 2, 93), Note(8, 6, 62))
    score, _ = write(denoiser, replace(VERSE, anchor=anchor))
    assert [replace(note, syllable=None) for note in score.melody[:4]] == list(anchor)
    assert syllables(score) == list(range(15))


@pytest.mark.parametrize("minor", [False, True])
def test_the_end_of_a_song_is_the_tonic(denoiser: ScoreDenoiser, minor: bool) -> None:
    score, _ = write(denoiser, replace(ENDING, minor=minor, transpose=2))
    tonic = (2 + (9 if minor else 0)) % 12
    assert {chord.root for chord in score.chords[-4:]} == {tonic}
    assert not score.melody or score.melody[-1].pitch % 12 == tonic


def test_a_chorus_lies_higher_than_its_verse(denoiser: ScoreDenoiser) -> None:
    rises = []
    for seed in range(5):
        verse, memory = write(denoiser, VERSE, seed=seed)
        chorus, _ = write(denoiser, CHORUS, memory, seed=seed)
        mean = [sum(note.pitch for note in score.melody) / len(score.melody) for score in (verse, chorus)]
        rises.append(mean[1] - mean[0])
    assert sum(rises) / len(rises) > 1.0


def test_cost_counts_the_guidance_row(denoiser: ScoreDenoiser) -> None:
    with_guidance, without = (
        denoiser.begin(VERSE, Memory(), seed=0, steps=STEPS, guidance_scale=scale) for scale in (1.5, 1.0)
    )
    assert with_guidance.cost == 2 * without.cost == 32


def test_memory_survives_pickling(denoiser: ScoreDenoiser) -> None:
    _, memory = write(denoiser, VERSE)
    assert pickle.loads(pickle.dumps(memory)) == memory


def test_unfinished_states_have_no_score_and_finished_ones_no_further_step(denoiser: ScoreDenoiser) -> None:
    state = denoiser.begin(INTRO, Memory(), seed=0, steps=2, guidance_scale=1.0)
    with pytest.raises(ValueError, match="steps are left"):
        denoiser.finish(state)
    denoiser.denoise([state])
    denoiser.denoise([state])
    with pytest.raises(ValueError, match="cannot be denoised"):
        denoiser.denoise([state])


@pytest.mark.parametrize(
    "wrong", [{"bars": 0}, {"bars": 17}, {"line_bars": (2,)}, {"line_bars": (3, 2)}, {"lines": ((1,) * 33, (1,))}]
)
def test_briefs_that_cannot_be_written_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"bars|syllables"):
        replace(VERSE, **wrong)


@pytest.mark.parametrize("seed", [0, 5, 7, 9, 13])
def test_a_song_stays_in_its_key(denoiser: ScoreDenoiser, seed: int) -> None:
    opening = replace(INTRO, bars=2, minor=True, tempo_bpm=64.0)
    intro, memory = write(denoiser, opening, seed=seed)
    verse, _ = write(denoiser, replace(VERSE, minor=True, transpose=0, tempo_bpm=64.0), memory, seed=seed)
    pitches = [note.pitch % 12 for note in (*intro.melody, *verse.melody)]
    assert sum(pitch in {0, 2, 4, 5, 7, 8, 9, 11} for pitch in pitches) > 0.9 * len(pitches)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("spec", [VERSE, LONG], ids=["major", "minor"])
def test_a_pentatonic_tune_keeps_to_five_tones(denoiser: ScoreDenoiser, spec: SectionSpec, seed: int) -> None:
    score, _ = write(denoiser, replace(spec, pentatonic=True), seed=seed)
    assert {(note.pitch - spec.transpose) % 12 for note in score.melody} <= {0, 2, 4, 7, 9}
