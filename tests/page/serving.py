"""The service with its page, ready for songs."""

from collections.abc import Iterator
from contextlib import contextmanager

import grpc

from tests.service import running_service


@contextmanager
def serving_page(engines: str, **environment: str) -> Iterator[str]:
    """The HTTP address of a service of these engines, once it takes songs."""
    with running_service(engines, **environment) as service, grpc.insecure_channel(service.address) as channel:
        service.wait_serving(channel)
        yield service.http_address
