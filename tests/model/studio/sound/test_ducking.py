"""Tests of ducking: lowering the accompaniment while a voice sings."""

import numpy as np
import pytest

from model.studio.sound.ducking import BAND_DB, Presence, RoomForWords, level
from model.studio.voice.phrasing import SungNote

RATE = 48_000


def _note(start: float, end: float) -> SungNote:
    return SungNote(start, end, 60, None)


def _presence(*notes: SungNote) -> Presence:
    presence = Presence()
    presence.expect(notes, RATE)
    return presence


def test_presence_rises_with_a_line_stays_over_a_short_gap_and_falls_after_it() -> None:
    values = _presence(_note(1, 2), _note(2.5, 3)).at(0, 6 * RATE)
    at = [float(values[round(seconds * RATE)]) for seconds in (1.9, 2.5, 3.3, 3.9, 4.9)]
    assert at == [0, 1, 1, 1, 0]


def test_presence_is_one_value_where_it_does_not_change() -> None:
    presence = _presence(_note(1, 3))
    assert [presence.at(s * RATE, (s + 1) * RATE).tolist() for s in (0, 3, 8)] == [[0.0], [1.0], [0.0]]


def test_presence_does_not_notice_block_borders() -> None:
    notes = (_note(0.5, 0.9), _note(2.2, 2.4))
    whole = _presence(*notes).at(0, 4 * RATE)
    pieces = _presence(*notes)
    joined = [np.broadcast_to(pieces.at(start, start + 7_777), 7_777) for start in range(0, 24 * 7_777, 7_777)]
    assert np.array_equal(np.concatenate(joined), whole[: 24 * 7_777])


def test_the_band_steps_back_most_around_three_kilohertz() -> None:
    sung, alone = np.ones(1, np.float32), np.zeros(1, np.float32)
    assert 20 * np.log10(level(sung)[0]) == pytest.approx(BAND_DB, abs=1e-5)
    assert level(alone)[0] == 1
    noise = np.random.default_rng(1).standard_normal(RATE).astype(np.float32)
    dipped, plain = (np.abs(np.fft.rfft(RoomForWords().run(noise, p))) for p in (sung, alone))
    assert 20 * np.log10(dipped[2900:3100].mean() / plain[2900:3100].mean()) < -4.5
    assert 20 * np.log10(dipped[100:200].mean() / plain[100:200].mean()) > -0.5


def test_the_band_of_a_style_may_be_louder_where_nobody_sings() -> None:
    sung, alone = np.ones(1, np.float32), np.zeros(1, np.float32)
    assert 20 * np.log10(level(alone, 1.5)[0]) == pytest.approx(1.5, abs=1e-5)
    assert 20 * np.log10(level(sung, 1.5)[0]) == pytest.approx(BAND_DB, abs=1e-5)
