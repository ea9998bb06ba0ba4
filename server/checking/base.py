"""Protocol of the object that checks requests before their songs are accepted."""

from typing import Protocol

from server.song import SongRequest


class RequestChecker(Protocol):
    """Protocol: checks requests with the validators of their engines, before a song is accepted."""

    async def check(self, request: SongRequest) -> SongRequest:
        """Check a request that already follows the rules of the .proto file, with the validator of the request's
        engine.

        Returns the request with its MIDI melody parsed, and with the song's plan if the validator has made one.

        Raises:
            ServiceError: the engine cannot make the song, or the request could not be checked.
        """
