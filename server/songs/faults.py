"""Counts the songs that are refused because of a fault of the service."""

from collections.abc import Iterator
from contextlib import contextmanager

from server.errors import ServiceError
from server.songs.ports import SongRunner


@contextmanager
def counted_faults(runner: SongRunner, engine: str) -> Iterator[None]:
    """Context manager for the start of a song: an exception that is a bug or an error of the store is counted as a
    refused song of `engine`, and raised again.
    """
    try:
        yield
    except ServiceError:
        raise
    except Exception as error:
        runner.fault(engine, error)
        raise
