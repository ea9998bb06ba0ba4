"""A request checker without a process, for tests of the code that uses a checker."""

from server.contract.midi_melody import with_melody
from server.errors import ServiceError
from server.song import SongRequest


class PassingChecker:
    """A checker that reads melodies and accepts every request, or raises its `refusal`; records the requests."""

    def __init__(self, refusal: ServiceError | None = None) -> None:
        self.refusal = refusal
        self.requests: list[SongRequest] = []

    async def check(self, request: SongRequest) -> SongRequest:
        self.requests.append(request)
        if self.refusal is not None:
            raise self.refusal
        return with_melody(request)
