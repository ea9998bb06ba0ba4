"""Advances a batch of song sections by denoising steps; a batch that fails is split into smaller ones."""

from collections.abc import Sequence
from itertools import groupby

from model.engine import Engine, SectionState
from server.workers.execution.failures import is_out_of_memory, raise_if_fatal, release_memory


def denoise(engine: Engine, states: Sequence[SectionState], steps: int) -> tuple[list[Exception | None], int]:
    """Advance the denoising state of every section by `steps` denoising steps. Returns the error of each state (`None`
    for success), and the largest number of states that fitted into memory in one batch.

    A state that fails or ends early is not advanced further; the others continue without it. States of different
    batching groups are advanced in separate batches.

    Raises:
        DeviceBroken: the error makes the device unusable; nothing is retried.
    """
    errors: list[Exception | None] = [None] * len(states)
    fits = len(states)
    for _ in range(steps):
        left = [one for one, error in enumerate(errors) if error is None and states[one].step < states[one].steps]
        for alike in _by_group(states, left):
            new_errors, step_fits = denoise_once(engine, [states[position] for position in alike])
            for position, error in zip(alike, new_errors, strict=True):
                errors[position] = error
            if step_fits < len(alike):
                fits = min(fits, step_fits)
    return errors, fits


def _by_group(states: Sequence[SectionState], positions: Sequence[int]) -> list[list[int]]:
    """Divide `positions`, indices into `states`, into one list for each batching group, whose states may share a
    denoising step.
    """

    def group_of(position: int) -> str:
        return states[position].group

    return [list(alike) for _, alike in groupby(sorted(positions, key=group_of), group_of)]


def denoise_once(engine: Engine, states: Sequence[SectionState]) -> tuple[list[Exception | None], int]:
    """Advance every section's state by one denoising step. Returns the error of each state (`None` for success), and
    the largest number of states that fitted into memory in one batch.

    A failed batch is split, so that one bad state costs the others only time. A batch that does not fit into memory is
    halved, after the memory of the failed attempt is freed. An error after all states have advanced fails all of them:
    their contents cannot be trusted, and a retry would be a second step.

    Raises:
        DeviceBroken: the error makes the device unusable; nothing is retried.
    """
    before = [state.step for state in states]
    error = _attempt(engine, states)
    if error is None:
        return [None] * len(states), len(states)
    full = is_out_of_memory(error)
    release_memory(error)
    left = [position for position, state in enumerate(states) if state.step == before[position]]
    if len(states) == 1 or not left:
        return [error] * len(states), len(states) // 2 if full else len(states)
    return _denoise_apart(engine, states, _parts(left, 2 if full else len(left)), full=full)


def _attempt(engine: Engine, states: Sequence[SectionState]) -> Exception | None:
    """Advance every section's state by one denoising step in one batch, and return the error; `None` for success.

    The error is returned and not handled inside an `except` block, where the interpreter would keep its stack frames
    and their memory alive.
    """
    try:
        engine.denoise(states)
    except Exception as error:
        raise_if_fatal(error)
        return error
    return None


def _denoise_apart(
    engine: Engine, states: Sequence[SectionState], parts: Sequence[Sequence[int]], *, full: bool
) -> tuple[list[Exception | None], int]:
    errors: list[Exception | None] = [None] * len(states)
    fits = 0 if full else len(states)
    for part in parts:
        part_errors, part_fits = denoise_once(engine, [states[position] for position in part])
        for position, error in zip(part, part_errors, strict=True):
            errors[position] = error
        fits = max(fits, part_fits)
    return errors, fits


def _parts(positions: Sequence[int], count: int) -> list[Sequence[int]]:
    size = -(-len(positions) // max(1, count))
    return [positions[start : start + size] for start in range(0, len(positions), max(1, size))]
