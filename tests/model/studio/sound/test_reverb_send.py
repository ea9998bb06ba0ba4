"""Tests of the sends of singers to the reverb."""

import numpy as np
import pytest

from model.studio.sound.reverb_send import ReverbSend
from model.studio.voice.phrasing import SungNote
from tests.support.table import table

RATE = 48_000


def _line(*notes: tuple[float, float], last: bool = True) -> list[SungNote]:
    return [
        SungNote(start, end, 60, None, ends_line=last and number == len(notes))
        for number, (start, end) in enumerate(notes, start=1)
    ]


def _gains_db(notes: list[SungNote], *seconds: float) -> list[float]:
    send = ReverbSend(-30.0)
    send.expect(notes, RATE)
    gains = np.broadcast_to(send.gain(0, 8 * RATE), 8 * RATE)
    return [float(20 * np.log10(gains[round((1 + at) * RATE)])) for at in seconds]


def test_the_send_rises_in_the_last_note_of_a_line_and_falls_after_it() -> None:
    gains = _gains_db(_line((0.0, 0.5), (0.5, 1.5)), 0.2, 0.7, 1.4, 1.6)
    assert gains == pytest.approx([-30, -30, -8, -30], abs=0.01)


def test_a_short_last_note_keeps_its_first_half_dry() -> None:
    gains = _gains_db(_line((0.0, 0.5), (0.5, 0.8)), 0.64, 0.78)
    assert gains[0] == pytest.approx(-30, abs=0.01)
    assert gains[1] > -10


@table("pause, thrown", [(0.0, False), (0.1, False), (0.2, True)])
def test_the_reverberation_does_not_cover_a_line_that_follows_at_once(pause: float, thrown: bool) -> None:
    lines = _line((0.0, 1.0)) + _line((1.0 + pause, 2.0), last=False)
    assert (_gains_db(lines, 0.9)[0] > -9) is thrown


def test_the_send_does_not_depend_on_blocks() -> None:
    notes = _line((0.0, 0.5), (0.5, 1.5)) + _line((2.0, 2.3), (2.3, 2.6))
    whole, pieces = ReverbSend(-30.0), ReverbSend(-30.0)
    for send in (whole, pieces):
        send.expect(notes, RATE)
    joined = [np.broadcast_to(pieces.gain(at, at + 7_777), 7_777) for at in range(0, 20 * 7_777, 7_777)]
    assert np.array_equal(np.concatenate(joined), whole.gain(0, 20 * 7_777))


def test_the_send_of_a_singer_who_does_not_sing_stays_low() -> None:
    assert _gains_db([], 0.5, 2.0) == pytest.approx([-30, -30], abs=0.01)
