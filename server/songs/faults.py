"""Counts the songs that are not let in by a fault of the service, which nothing else counts."""

from collections.abc import Iterator
from contextlib import contextmanager

from server.errors import ServiceError
from server.songs.ports import SongRunner


@contextmanager
def counted_faults(runner: SongRunner, engine: str) -> Iterator[None]:
    """Count a bug, or a store that does not answer, while a song of `engine` is let in; the error goes on."""
    try:
        yield
    except ServiceError:
        raise
    except Exception as error:
        runner.fault(engine, error)
        raise
