"""Advances a batch of sections by one denoising step, in smaller batches where one fails as a whole."""

from collections.abc import Sequence

from model.engine import Engine, SectionState
from server.workers.failures import is_out_of_memory


def denoise(engine: Engine, states: Sequence[SectionState]) -> tuple[list[Exception | None], int]:
    """Advance every state by one step; the error of each that cannot, and the most states that memory held at once.

    A batch that raises is taken apart, so that a poisoned state costs its neighbours nothing but time; one that does
    not fit into memory is halved.
    """
    before = [state.step for state in states]
    try:
        engine.denoise(states)
    except Exception as error:
        full = is_out_of_memory(error)
        if len(states) == 1:
            return [error], 0 if full else 1
        left = [position for position, state in enumerate(states) if state.step == before[position]]
        return _denoise_apart(engine, states, _parts(left, 2 if full else len(left)), full=full)
    return [None] * len(states), len(states)


def _denoise_apart(
    engine: Engine, states: Sequence[SectionState], parts: Sequence[Sequence[int]], *, full: bool
) -> tuple[list[Exception | None], int]:
    errors: list[Exception | None] = [None] * len(states)
    fits = 0 if full else len(states)
    for part in parts:
        part_errors, part_fits = denoise(engine, [states[position] for position in part])
        for position, error in zip(part, part_errors, strict=True):
            errors[position] = error
        fits = max(fits, part_fits)
    return errors, fits


def _parts(positions: Sequence[int], count: int) -> list[Sequence[int]]:
    size = -(-len(positions) // max(1, count))
    return [positions[start : start + size] for start in range(0, len(positions), max(1, size))]
