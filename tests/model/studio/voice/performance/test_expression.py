import numpy as np
import pytest

from model.studio.prompt.genres.catalogue import GENRES
from model.studio.voice.performance.expression import Accent, performed
from model.studio.voice.performance.loudness import FORCE_RANGE_DB
from model.studio.voice.performance.manner import PLAIN, Manner, manner_of
from model.studio.voice.phrasing import SungNote
from model.studio.voice.utterance import Utterance

A = Utterance(None, "a")
LINE = [SungNote(0.4 * i, 0.4 * (i + 1), 60 + (i % 3), A) for i in range(8)]


def _sung(notes: list[SungNote], accents: list[Accent], manner: Manner = PLAIN, seed: int = 1) -> tuple[SungNote, ...]:
    return performed(notes, accents, manner, np.random.default_rng(seed))


def _levels(*notes: SungNote) -> list[float]:
    return [FORCE_RANGE_DB * note.force for note in notes]


def test_every_line_falls_to_its_end_and_its_levels_differ() -> None:
    notes = [SungNote(n.start + 4 * k, n.end + 4 * k, n.pitch, A) for k in range(30) for n in LINE]
    sung = _sung(notes, [Accent(k) for k in range(30) for _ in LINE])
    lines = np.array(_levels(*sung)).reshape(30, len(LINE))
    slopes = np.polyfit(np.linspace(0, 1, len(LINE)), lines.T, 1)[0]
    assert -6 < np.median(slopes) < -2
    assert np.median(lines.std(1)) > 1.8
    assert [note.ends_line for note in sung] == ([False] * 7 + [True]) * 30


def test_stressed_and_high_syllables_are_louder() -> None:
    changed = {
        "plain": _sung(LINE, [Accent(0)] * 8)[3].force,
        "stressed": _sung(LINE, [Accent(0, float(i == 3)) for i in range(8)])[3].force,
        "high": _sung([*LINE[:3], SungNote(1.2, 1.6, 70, A), *LINE[4:]], [Accent(0)] * 8)[3].force,
    }
    assert changed["plain"] < min(changed["stressed"], changed["high"])


def test_syllables_are_late_by_little_and_leave_no_gap() -> None:
    sung = _sung(LINE, [Accent(0)] * 8, Manner(lag_seconds=0.03))
    lags = np.array([late.start - note.start for late, note in zip(sung, LINE, strict=True)])
    assert 0 <= lags.min() < lags.max() <= 0.03
    assert [note.end for note in sung[:-1]] == pytest.approx([note.start for note in sung[1:]])


def test_a_melisma_keeps_its_time() -> None:
    notes = [LINE[0], SungNote(0.4, 0.8, 62, None), LINE[2]]
    sung = _sung(notes, [Accent(0)] * 3)
    assert sung[1].start == 0.4


def test_the_seed_alone_decides() -> None:
    accents = [Accent(0)] * 8
    assert _sung(LINE, accents) == _sung(LINE, accents) != _sung(LINE, accents, seed=2)


def test_every_genre_has_its_manner() -> None:
    manners = {genre.style.genre: manner_of(genre.style.genre) for genre in GENRES}
    assert manners["rock"].tilt_db > manners["pop"].tilt_db > manners["lofi"].tilt_db
    assert manners["lofi"].breathiness > manners["rock"].breathiness
    assert manners["hip hop"].vibrato < manners["cinematic"].vibrato
