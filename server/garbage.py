"""Excludes objects loaded at the start of a process from garbage collection."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def uncollected() -> Iterator[None]:
    """Context manager for loading modules and models, whose objects the garbage collector skips afterwards.

    Loading creates many permanent objects. Visiting all of them in every full collection would take a quarter of the
    time that a worker needs to start.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()
