"""Tests that keys are divided among the recordings of an instrument."""

from model.training.instruments.recording import key_ranges


def test_every_key_has_one_recording_and_it_is_the_nearest() -> None:
    roots = (56, 60, 63, 70)
    ranges = key_ranges(roots)
    assert [key for low, high in ranges for key in range(low, high + 1)] == list(range(128))
    assert all(low <= root <= high for root, (low, high) in zip(roots, ranges, strict=True))
    for root, (low, high) in zip(roots, ranges, strict=True):
        for key in range(low, high + 1):
            assert abs(key - root) == min(abs(key - other) for other in roots)


def test_a_single_recording_plays_all_keys() -> None:
    assert key_ranges([60]) == [(0, 127)]
