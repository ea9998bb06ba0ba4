"""Remembers requests that have killed worker processes, so that they are refused when they are sent again."""

import hashlib
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import asdict

from server.errors import PoisonedRequest
from server.song import SongRequest

_REMEMBER_SECONDS = 600.0
_REMEMBER_REQUESTS = 1024
_FINGERPRINT_CHARACTERS = 16


class PoisonedRequests:
    """List of requests that have killed worker processes in the last ten minutes, at most 1024; they are refused."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._until: OrderedDict[str, float] = OrderedDict()

    def add(self, request: SongRequest) -> PoisonedRequest:
        """Add a request that has killed worker processes, and return the error for the callers who have sent it."""
        name = fingerprint(request)
        self._until[name] = self._clock() + _REMEMBER_SECONDS
        self._until.move_to_end(name)
        while len(self._until) > _REMEMBER_REQUESTS:
            self._until.popitem(last=False)
        return PoisonedRequest(name)

    def check(self, request: SongRequest) -> None:
        """Check that a request has not killed worker processes recently.

        Raises:
            PoisonedRequest: the request has killed workers in the last ten minutes.
        """
        name = fingerprint(request)
        until = self._until.get(name)
        if until is not None and self._clock() < until:
            raise PoisonedRequest(name)


def fingerprint(request: SongRequest) -> str:
    """Return a hash of a request's content. The seed is left out, because the server may have drawn it anew for each
    call.
    """
    params = asdict(request.params) | {"seed": None, "stems": sorted(request.params.stems)}
    return hashlib.sha256(repr((request.engine, params)).encode()).hexdigest()[:_FINGERPRINT_CHARACTERS]
