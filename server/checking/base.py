"""Protocol for checking requests before their songs are accepted."""

from typing import Protocol

from server.song import SongRequest


class RequestChecker(Protocol):
    """Checks requests with the validators of their engines, before a song is admitted."""

    async def check(self, request: SongRequest) -> SongRequest:
        """Check a request that keeps the contract; returns it with its melody read, and its plan if one was made.

        Raises:
            InvalidRequest: the engine cannot make a song of it, or it takes too much time to find out.
            ChecksOverloaded: too many requests wait, or the wait was too long.
            WorkerLost: the checking process is being restarted.
            SongFailed: a fault of the server.
        """
