"""Excludes objects loaded at the start of a process from garbage collection."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def uncollected() -> Iterator[None]:
    """Context manager for loading modules and models, whose objects the garbage collector will not visit later.

    They create many permanent objects, and visiting all of them at every full collection would take a quarter of the
    time that a worker needs to start.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()
