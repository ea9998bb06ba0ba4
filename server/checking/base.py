"""Protocol for checking requests before their songs are accepted."""

from typing import Protocol

from server.song import SongRequest


class RequestChecker(Protocol):
    """Checks requests with the validators of their engines, before a song is admitted."""

    async def check(self, request: SongRequest) -> SongRequest:
        """Check a request that follows the rules of the API.

        Returns the request with its MIDI melody parsed, and its plan if the check has made one.
        """
