import numpy as np
import pytest

from model.song import SectionKind
from model.studio.composing.decisions.progressions import HarmonyTables, choose_chords, draw_progression
from model.studio.composing.section_layout import lay_out
from model.studio.composing.section_spec import Memory, SectionSpec
from model.studio.composing.tokens import CHORD_CLASSES, NO_CHORD

BEATS = 16


def tables(change_on_first_beat: float = 0.5, change_elsewhere: float = 0.01) -> HarmonyTables:
    moves = np.full((2, CHORD_CLASSES, CHORD_CLASSES), 1 / CHORD_CLASSES, dtype=np.float32)
    changes = np.full((2, 4), change_elsewhere, dtype=np.float32)
    changes[:, 0] = change_on_first_beat
    return HarmonyTables(moves, changes)


def drawn(odds: np.ndarray, seed: int = 0, **changes: float) -> list[int]:
    draws = np.random.default_rng(seed).random(len(odds))
    return [int(chord) for chord in draw_progression(odds, tables(**changes).log_transitions(False), draws)]


@pytest.mark.parametrize("minor", [False, True])
def test_transitions_from_every_chord_add_up_to_one(minor: bool) -> None:
    assert np.exp(tables().log_transitions(minor)).sum(-1) == pytest.approx(1.0)


def test_a_chord_changes_as_often_as_the_beat_of_the_bar_says() -> None:
    stays = np.exp(tables(0.5, 0.01).log_transitions(False))[:, 3, 3]
    assert stays == pytest.approx([0.5, 0.99, 0.99, 0.99], abs=1e-6)


def test_the_pace_makes_chords_change_more_or_less_often() -> None:
    paces = [np.exp(tables(0.5, 0.3).log_transitions(False, pace))[:, 3, 3] for pace in (0.7, 1.0, 1.3)]
    slow, usual, quick = (1 - stays for stays in paces)
    assert (slow < 0.7 * usual).all()
    assert (quick > 1.3 * usual)[[0, 2]].all()
    assert quick[[1, 3]] == pytest.approx(usual[[1, 3]])


def test_certain_beliefs_are_followed() -> None:
    wanted = [1, 1, 1, 1, 14, 14, 20, 20, 22, 22, 22, 22, 1, 1, 1, 1]
    odds = np.full((BEATS, CHORD_CLASSES), -1e8)
    odds[np.arange(BEATS), wanted] = 0.0
    assert drawn(odds) == wanted


@pytest.mark.parametrize("seed", range(5))
def test_every_beat_gets_a_chord_even_where_the_network_hears_none(seed: int) -> None:
    odds = np.zeros((BEATS, CHORD_CLASSES))
    odds[:, NO_CHORD] = 50.0
    assert all(NO_CHORD < chord < CHORD_CLASSES for chord in drawn(odds, seed))


def test_without_beliefs_chords_change_at_bar_lines_only() -> None:
    flat = np.zeros((BEATS, CHORD_CLASSES))
    chords = drawn(flat, change_on_first_beat=1.0, change_elsewhere=0.0)
    assert [beat for beat in range(1, BEATS) if chords[beat] != chords[beat - 1]] == [4, 8, 12]


def test_other_draws_give_other_progressions() -> None:
    flat = np.zeros((BEATS, CHORD_CLASSES))
    assert drawn(flat, 1) == drawn(flat, 1) != drawn(flat, 2)


def test_the_given_beliefs_are_left_as_they_are() -> None:
    odds = np.zeros((BEATS, CHORD_CLASSES))
    drawn(odds)
    assert not odds.any()


@pytest.mark.parametrize("seed", range(3))
def test_a_chord_that_is_certain_on_the_first_beat_lasts_as_long_as_chords_do(seed: int) -> None:
    odds = np.zeros((BEATS, CHORD_CLASSES))
    odds[0] = -1e8
    odds[0, 5] = 0.0
    assert drawn(odds, seed, change_on_first_beat=1.0, change_elsewhere=0.0)[:4] == [5] * 4


def test_shares_of_chords_add_up_to_one_and_follow_the_moves() -> None:
    moves = np.zeros((2, CHORD_CLASSES, CHORD_CLASSES), dtype=np.float32)
    moves[:, :, 1] = 0.75
    moves[:, :, 4] = 0.25
    shares = np.exp(HarmonyTables(moves, np.full((2, 4), 0.5, dtype=np.float32)).log_shares(minor=False))
    assert shares.sum() == pytest.approx(1)
    assert shares[1] == pytest.approx(0.75, abs=0.01)
    assert shares[2] < 0.001


def test_known_chords_stay() -> None:
    spec = SectionSpec(SectionKind.VERSE, 4, ((1,) * 7, (2,) * 5), (2, 2))
    layout = lay_out(spec, Memory())
    layout.give_chords(slice(4, 8), 22)
    moves = np.full((2, CHORD_CLASSES, CHORD_CLASSES), 1 / CHORD_CLASSES, dtype=np.float32)
    tables = HarmonyTables(moves, np.full((2, 4), 0.5, dtype=np.float32))
    draws = np.random.default_rng(0).random(spec.beats)
    choose_chords(layout, spec, Memory(), np.zeros((spec.beats, CHORD_CLASSES)), tables, draws)
    assert layout.chords[4:8].tolist() == [22] * 4
    assert (layout.chords[: spec.beats] > 0).all()
