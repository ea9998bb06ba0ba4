"""A request checker without a process, for tests of the code that uses a checker."""

from server.contract.midi_melody import with_melody
from server.errors import ServiceError
from server.song import SongRequest


class PassingChecker:
    """A stand-in for the request checker: it reads the melody of a request and accepts it, or raises `refusal`;
    `requests` lists the checked requests.
    """

    def __init__(self, refusal: ServiceError | None = None) -> None:
        self.refusal = refusal
        self.requests: list[SongRequest] = []

    async def check(self, request: SongRequest) -> SongRequest:
        self.requests.append(request)
        if self.refusal is not None:
            raise self.refusal
        return with_melody(request)
