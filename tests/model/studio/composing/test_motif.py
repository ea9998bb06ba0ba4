import numpy as np
import pytest

from model.song import SongParams
from model.studio.composing.decisions.pitches import AskedInterval, choose_pitches
from model.studio.composing.denoiser import ScoreDenoiser
from model.studio.composing.motif import closeness, motif_of
from model.studio.info import INFO
from model.studio.notation.score import Note
from model.studio.planning.plan import plan_song
from model.studio.planning.section_spec import section_spec
from model.training.whole_songs.evaluate_anchor import LYRICS, as_melody, interval_likeness, notes_of, rhythm_likeness
from model.training.whole_songs.evaluate_songs import WrittenSection, write_songs

MOTIF = "67/0.5 67/0.5 69/1 67/1 72/1 71/2 67/2"


def _params(prompt: str = "pop", *, anchored: bool = True) -> SongParams:
    anchor = notes_of(MOTIF) if anchored else ()
    return SongParams(prompt, LYRICS, 1, 40.0, key="C major", tempo_bpm=96.0, anchor=anchor)


def test_a_motif_is_the_first_two_bars() -> None:
    motif = motif_of([*as_melody(notes_of(MOTIF)), Note(32, 4, 60)])
    assert motif is not None
    assert motif.onsets == (0, 2, 4, 8, 12, 16, 24)
    assert motif.intervals == (0, 2, -2, 5, -1, -4)
    assert motif.steps == 32
    assert motif.rhythm(40) == (0, 2, 4, 8, 12, 16, 24, 32, 34, 36)
    assert [motif.after(note) for note in (0, 5, 6)] == [0, -4, None]


def test_two_notes_are_no_motif() -> None:
    assert motif_of([Note(0, 4, 60), Note(4, 4, 62)]) is None


def test_a_move_is_as_close_as_it_is_near() -> None:
    near = closeness(3, 8)
    assert [near[1, place] for place in (4, 5, 3, 6, 1)] == [1.0, 0.5, 0.5, 0.0, 0.0]


def test_the_path_takes_up_intervals() -> None:
    free, flat = np.zeros((3, 37)), np.zeros(37)
    pitches = choose_pitches(free, [0.0, 0.0], flat, 0.0, [AskedInterval(4, 8.0), AskedInterval(-2, 8.0), None])
    assert np.diff(pitches).tolist() == [4, -2]


def test_every_section_from_the_melody_on_knows_its_motif() -> None:
    plan = plan_song(_params(), INFO)
    known = [section_spec(plan, index).motif is not None for index in range(len(plan.sections))]
    first = next(index for index in range(len(plan.sections)) if section_spec(plan, index).anchor)
    assert known == [False] * first + [True] * (len(known) - first)


@pytest.mark.parametrize("prompt", ["pop", "bossa nova", "摇滚"])
def test_any_style_plays_the_same_tune_and_keeps_its_motif(prompt: str) -> None:
    plans = [plan_song(params, INFO) for params in (_params(prompt), _params(prompt, anchored=False))]
    given, free = write_songs(ScoreDenoiser.load(), plans)
    verse = next(section for section in given if section.spec.anchor).score.melody
    motif = as_melody(notes_of(MOTIF))
    assert [(n.start, n.pitch) for n in verse[: len(motif)]] == [(n.start, n.pitch) for n in motif]

    def chorus(song: list[WrittenSection]) -> tuple[Note, ...]:
        return next(s for s in song if s.spec.kind.value == "chorus" and not s.spec.played).score.melody

    assert interval_likeness(chorus(given), motif) > interval_likeness(chorus(free), motif)
    assert rhythm_likeness(chorus(given), motif) > 0.4
