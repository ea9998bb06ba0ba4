"""Tests that the silences of listeners, which test_cuts.py limits, are measured correctly."""

import pytest

from tests.support.cuts.silences import Cut, Silence

MAKER, OWN, OTHER = 1, 2, 3


class Connected:
    """A stand-in for a proxy (`Way`): its connections led to the server on port OWN until second 20 of the clock, and
    to the server on port OTHER afterwards.
    """

    def port_at(self, at: float) -> int:
        return OWN if at < 20.0 else OTHER


@pytest.mark.parametrize(
    ("cuts", "stretches"),
    [
        ([], [10.0]),
        ([Cut("kill -9", 16.0, MAKER, ["song-1"])], [2.0, 8.0]),
        ([Cut("SIGSTOP", 17.0, OWN)], [3.0, 7.0]),
        ([Cut("promotion", 18.0)], [4.0, 6.0]),
        ([Cut("restart", 23.0), Cut("kill -9", 16.0, MAKER, ["song-1"])], [2.0, 7.0, 1.0]),
        ([Cut("SIGSTOP", 17.0, OTHER), Cut("SIGSTOP", 21.0, OWN), Cut("kill -9", 16.0, MAKER, ["song-2"])], [10.0]),
        ([Cut("promotion", 13.0), Cut("promotion", 25.0)], [10.0]),
    ],
)
def test_a_silence_counts_anew_from_each_cut_that_hit_its_song(cuts: list[Cut], stretches: list[float]) -> None:
    silence = Silence("listener", "song-1", 14.0, 24.0, Connected())  # type: ignore[arg-type]
    assert silence.stretches(cuts) == stretches
