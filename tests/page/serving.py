"""Starts a service with the preview page, ready for songs."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

import grpc

from tests.support.service import running_service


@contextmanager
def serving_page(engines: str, **environment: str) -> Iterator[str]:
    """Context manager with the HTTP address of a service that is ready for songs; fails at the end if the service has
    logged an error. `engines` is a list name=module:Class, ..., `environment` are MELISMA_ variables without the
    prefix.
    """
    errors: list[str] = []
    with running_service(engines, **environment) as service:
        assert service.process.stderr is not None
        # A log that nobody reads fills its pipe, and then the server stands still.
        reading = threading.Thread(target=_read, args=(service.process.stderr, errors), daemon=True)
        reading.start()
        with grpc.insecure_channel(service.address) as channel:
            service.wait_serving(channel)
        yield service.http_address
        service.process.kill()
        reading.join(timeout=10)
    assert not errors, errors


def _read(log: TextIO, errors: list[str]) -> None:
    """Read a log to its end, and collect its lines of level error."""
    errors += [line for line in log if json.loads(line)["level"] == "error"]
