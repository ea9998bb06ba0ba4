import pytest

from server.scheduling.capacity.step_time import StepModel


def model(*points: tuple[int, float]) -> StepModel:
    made = StepModel()
    for tokens, seconds in points * 5:
        made.add(tokens, seconds)
    return made


def test_a_line_is_learnt() -> None:
    made = model((100, 0.02), (200, 0.03), (400, 0.05))
    assert made.known
    assert made.seconds(800) == pytest.approx(0.09)
    assert made.seconds(50) == pytest.approx(0.015)


def test_steps_of_one_size_are_taken_as_proportional() -> None:
    assert model((100, 0.02), (100, 0.02)).seconds(300) == pytest.approx(0.06)


def test_more_tokens_never_take_less_time() -> None:
    made = model((100, 0.05), (400, 0.02))
    assert made.seconds(400) >= made.seconds(100) >= 0.0


def test_little_is_unknown() -> None:
    made = StepModel()
    made.add(100, 0.1)
    assert not made.known
