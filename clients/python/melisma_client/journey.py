"""Requests for one song: for all of it at first, and for the rest of it when the connection breaks."""

from typing import TypeAlias
from uuid import uuid4

from melisma.v1.music_pb2 import GenerateRequest, ListenRequest
from melisma_client.connection import Patience
from melisma_client.errors import ConnectionLost, MelismaError, NotFound, NotReady
from melisma_client.receiver import Receiver

Question: TypeAlias = GenerateRequest | ListenRequest


class Journey:
    """One song from its request to its end, over as many connections as it takes. `received` is what has arrived.

    A song that was accepted is listened to again where it broke off, without a gap and without a repeat. One that is
    lost before its first sound is asked for again, with its seed.
    """

    def __init__(self, asked: Question, patience: Patience) -> None:
        self.received = Receiver(asked.byte_offset if isinstance(asked, ListenRequest) else 0)
        self._asked = asked
        self._patience = patience
        self._resumed_id = asked.song_id if isinstance(asked, ListenRequest) else ""
        self._loss: MelismaError | None = None
        self._failures = 0
        self._failed_at = -1
        if isinstance(asked, GenerateRequest) and not asked.request_id:
            asked.request_id = str(uuid4())

    @property
    def question(self) -> Question:
        """The request to send now."""
        if not self._resumed_id:
            return self._asked
        return ListenRequest(song_id=self._resumed_id, byte_offset=self.received.size_bytes)

    @property
    def remaining_seconds(self) -> float:
        """Time left for the answer, in seconds."""
        return self._patience.deadline.remaining_seconds()

    def wait_seconds(self, error: MelismaError) -> float:
        """The time to wait before the next question, after one that failed with `error`; raises the error to tell."""
        error = self._turn(error)
        if self.received.size_bytes > self._failed_at:
            self._failures, self._failed_at = 0, self.received.size_bytes
        self._failures += 1
        wait = self._patience.wait_seconds(error, self._failures)
        if wait is None:
            raise error
        return wait

    def _turn(self, error: MelismaError) -> MelismaError:
        """Decide what to ask next; gives back the error that says whether to ask at all, or raises it."""
        accepted = self.received.accepted
        if isinstance(error, ConnectionLost) and (accepted or self._resumed_id):
            self._loss = error
            self._resumed_id = accepted.song_id if accepted else self._resumed_id
            return error
        if self._loss is not None and isinstance(error, NotFound):
            error = self._loss  # behind one name there may be several servers, and another one has the song
        elif self._loss is not None and isinstance(error, NotReady) and not self.received.heard:
            error = self._loss
        elif self.received.heard:
            raise error
        if isinstance(self._asked, GenerateRequest) and not self.received.heard:
            self._start_over(self._asked)
        return error

    def _start_over(self, asked: GenerateRequest) -> None:
        if self.received.accepted:
            asked.seed = self.received.accepted.seed
        self.received = Receiver()
        self._resumed_id = ""
