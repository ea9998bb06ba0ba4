"""Keeps a fixed number of encoder processes running on one computer (pool)."""

from typing_extensions import override

from server.encoders.base import Encoder, NewEncoder
from server.encoders.restarting_pool import RestartingEncoders


class LocalEncoders(RestartingEncoders):
    """Keeps encoder processes running on this computer, and assigns each song to one of them."""

    def __init__(
        self,
        new_encoder: NewEncoder,
        encoders: int = 1,
        *,
        answer_timeout_seconds: float = 10.0,
        start_timeout_seconds: float = 60.0,
        restart_backoff_seconds: float = 0.25,
    ) -> None:
        """Set up a pool of `encoders` processes, each made by `new_encoder`. An encoder that does not start within
        `start_timeout_seconds`, or answer a ping within `answer_timeout_seconds`, is replaced.

        The pause before a restart is `restart_backoff_seconds`, and doubles with every failed start.
        """
        super().__init__(
            encoders,
            answer_timeout_seconds=answer_timeout_seconds,
            start_timeout_seconds=start_timeout_seconds,
            restart_backoff_seconds=restart_backoff_seconds,
        )
        self._make = new_encoder

    @override
    def _new_encoder(self, number: int, address: str) -> Encoder:
        return self._make(address)
