"""The kinds of encoders that there are, for tests of what all of them promise."""

from typing import Protocol

from server.encoders.encoder_process import EncoderProcess
from server.encoders.local_pool import LocalEncoders
from tests.support.encoders.in_process import in_process_encoders
from tests.support.fakes import FAKE_ENCODER


class EncoderKind(Protocol):
    """One kind."""

    def pool(self, encoders: int = 1) -> LocalEncoders:
        """A pool of the fake encoder, restarted at once."""


class ProcessEncoders:
    """Processes."""

    def pool(self, encoders: int = 1) -> LocalEncoders:
        return LocalEncoders(
            lambda address: EncoderProcess(address, FAKE_ENCODER), encoders, restart_backoff_seconds=0.0
        )


class InProcessEncoders:
    """Threads."""

    def pool(self, encoders: int = 1) -> LocalEncoders:
        return in_process_encoders(encoders=encoders)
