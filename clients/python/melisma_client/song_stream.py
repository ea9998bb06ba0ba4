"""Chooses the request messages for one song: first for the whole song and, after a broken connection, for the part that
has not arrived.
"""

from typing import TypeAlias
from uuid import uuid4

from melisma.v1.music_pb2 import GenerateRequest, ListenRequest
from melisma_client.connection import RetryBudget
from melisma_client.errors import ConnectionLost, MelismaError, NotFound, NotReady
from melisma_client.receiver import Receiver

StreamRequest: TypeAlias = GenerateRequest | ListenRequest


class SongStream:
    """State of one song's stream from its request to its end, over any number of connections. `received` is the part of
    the song that has arrived.

    After a broken connection an accepted song is resumed at the next byte, without a gap or a repetition. A song that
    the server has lost before its first sound is requested again with the same seed.
    """

    def __init__(self, initial: StreamRequest, budget: RetryBudget) -> None:
        self.received = Receiver(initial.byte_offset if isinstance(initial, ListenRequest) else 0)
        self._initial = initial
        self._budget = budget
        self._resumed_id = initial.song_id if isinstance(initial, ListenRequest) else ""
        self._loss: MelismaError | None = None
        self._failures = 0
        self._failed_at = -1
        if isinstance(initial, GenerateRequest) and not initial.request_id:
            initial.request_id = str(uuid4())

    @property
    def request(self) -> StreamRequest:
        """The message for the next call: the initial request, or a ListenRequest for the part of the song that has not
        arrived.
        """
        if not self._resumed_id:
            return self._initial
        return ListenRequest(song_id=self._resumed_id, byte_offset=self.received.size_bytes)

    @property
    def remaining_seconds(self) -> float:
        """Time left until the deadline of the song, in seconds."""
        return self._budget.deadline.remaining_seconds()

    def wait_seconds(self, error: MelismaError) -> float:
        """Return the seconds to wait before the next request, after a request that failed with `error`. Raises the
        error if no further request is useful.
        """
        error = self._turn(error)
        if self.received.size_bytes > self._failed_at:
            self._failures, self._failed_at = 0, self.received.size_bytes
        self._failures += 1
        wait = self._budget.wait_seconds(error, self._failures)
        if wait is None:
            raise error
        return wait

    def _turn(self, error: MelismaError) -> MelismaError:
        """Choose the next request after a request that failed with `error`. Return the error from which the waiting
        time follows: `error`, or an earlier lost connection; raise the error if the song cannot be resumed or requested
        again.
        """
        accepted = self.received.accepted
        if isinstance(error, ConnectionLost) and (accepted or self._resumed_id):
            self._loss = error
            self._resumed_id = accepted.song_id if accepted else self._resumed_id
            return error
        if self._loss is not None and isinstance(error, NotFound):
            error = self._loss  # a host name may have several servers, and another one has the song
        elif self._loss is not None and isinstance(error, NotReady) and not self.received.has_audio:
            error = self._loss
        elif self.received.has_audio:
            raise error
        if isinstance(self._initial, GenerateRequest) and not self.received.has_audio:
            self._start_over(self._initial)
        return error

    def _start_over(self, initial: GenerateRequest) -> None:
        if self.received.accepted:
            initial.seed = self.received.accepted.seed
        self.received = Receiver()
        self._resumed_id = ""
