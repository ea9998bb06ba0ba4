"""A checker without a process, for tests of what stands behind it."""

from server.contract.midi_melody import with_melody
from server.errors import ServiceError
from server.song import SongRequest


class PassingChecker:
    """Reads melodies and passes every request, unless it is made with a `refusal`; keeps what it was asked."""

    def __init__(self, refusal: ServiceError | None = None) -> None:
        self.refusal = refusal
        self.requests: list[SongRequest] = []

    async def check(self, request: SongRequest) -> SongRequest:
        self.requests.append(request)
        if self.refusal is not None:
            raise self.refusal
        return with_melody(request)
