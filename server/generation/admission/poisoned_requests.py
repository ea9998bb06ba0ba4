"""Remembers requests that have ended workers, so that they are refused at once."""

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
    """The requests of the last ten minutes, at most 1024, that are not tried again."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._until: OrderedDict[str, float] = OrderedDict()

    def add(self, request: SongRequest) -> PoisonedRequest:
        """Remember a request, and name it."""
        name = fingerprint(request)
        self._until[name] = self._clock() + _REMEMBER_SECONDS
        self._until.move_to_end(name)
        while len(self._until) > _REMEMBER_REQUESTS:
            self._until.popitem(last=False)
        return PoisonedRequest(name)

    def check(self, request: SongRequest) -> None:
        """Refuse a poisoned request.

        Raises:
            PoisonedRequest: it is one of those.
        """
        name = fingerprint(request)
        until = self._until.get(name)
        if until is not None and self._clock() < until:
            raise PoisonedRequest(name)


def fingerprint(request: SongRequest) -> str:
    """Identifies a request by its content. The seed does not count: if none is given, every try has another one."""
    params = asdict(request.params) | {"seed": None, "stems": sorted(request.params.stems)}
    return hashlib.sha256(repr((request.engine, params)).encode()).hexdigest()[:_FINGERPRINT_CHARACTERS]
