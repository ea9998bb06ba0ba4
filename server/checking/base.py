"""Protocol for checking requests before their songs are accepted."""

from typing import Protocol

from server.song import SongRequest


class RequestChecker(Protocol):
    """Protocol: checks requests with the validators of their engines, before a song is accepted."""

    async def check(self, request: SongRequest) -> SongRequest:
        """Check a request that already follows the rules of the .proto file; raise an error if its engine cannot make
        the song.

        Returns the request with its MIDI melody parsed, and its plan if the check has made one.
        """
