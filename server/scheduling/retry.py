"""Retry decisions for a song whose attempt failed: once more from its last section boundary, or not.

Another attempt never splices. What was heard of a section came from its finished state, which was given out with its
last step (`SectionStep.finished`) before anything of it was rendered: the rest is rendered from that state, and what
comes after is denoised in the context of what was heard. A section that was not finished was not heard, and is denoised
anew, perhaps batched with other songs, and then with other rounding (`Engine.denoise`).

An engine does the same work for the same request, so a request that ends a worker does so at the same point of every
attempt. Songs that were being worked on when a worker ended are isolated: they go on alone until they have passed that
position with a whole section, so that they cost no neighbour a second worker. So are songs that failed together.
"""

from dataclasses import dataclass, field
from enum import Enum
from typing import TypeAlias

from server.workers.messages import Failed, Fault

WorkPosition: TypeAlias = tuple[str, int, int]
"""A command's kind, the section, and the step or window within it."""


class RetryDecision(Enum):
    """Retry decision for a song whose attempt failed."""

    RETRY = "retry"
    GIVE_UP = "give up"
    POISONED = "poisoned"


@dataclass(frozen=True, slots=True)
class FailedAttempt:
    """A song that was taken out because of a failure. `failure` is that of its engine, if it was one."""

    song_id: str
    decision: RetryDecision
    failure: Failed | None = None


@dataclass(slots=True)
class AttemptHistory:
    """The failed attempts of one song, which is isolated until it has passed section `isolated_until`.

    Those that were lost with an encoder count apart, from when `encoded_seconds` of its sound had come.
    """

    attempts: int = 0
    encoder_losses: int = 0
    encoded_seconds: float = 0.0
    fatal_positions: set[WorkPosition] = field(default_factory=set)
    failed_positions: set[WorkPosition] = field(default_factory=set)
    isolated_until: int | None = None

    @property
    def isolated(self) -> bool:
        """True if the song is isolated: it shares no device until it has passed the position of failure."""
        return self.isolated_until is not None

    def worker_lost(self, at: WorkPosition | None, retries: int) -> RetryDecision:
        """The worker ended; `at` is what it was doing for this song, `None` where it did something else."""
        if at is not None and at in self.fatal_positions:
            return RetryDecision.POISONED
        if at is not None:
            self.fatal_positions.add(at)
            self._isolate(at)
        return self._again(retries)

    def failed(self, fault: Fault, at: WorkPosition, retries: int, *, shared: bool = False) -> RetryDecision:
        """The attempt raised an error; one that comes twice at the same position would come again.

        A bug `shared` with the songs beside it proves nothing against this one, which is tried alone.
        """
        if fault is Fault.BUG and shared:
            self._isolate(at)
            return self._again(retries)
        if fault in (Fault.CALLER, Fault.INSTALLATION) or (fault is Fault.BUG and at in self.failed_positions):
            return RetryDecision.GIVE_UP
        self.failed_positions.add(at)
        return self._again(retries)

    def encoder_lost(self, encoded_seconds: float, retries: int) -> RetryDecision:
        """The encoder of the song ended, after so much of its sound. Only losses without new sound count together."""
        if encoded_seconds > self.encoded_seconds:
            self.encoder_losses, self.encoded_seconds = 0, encoded_seconds
        self.encoder_losses += 1
        return RetryDecision.RETRY if self.encoder_losses <= retries else RetryDecision.GIVE_UP

    def section_done(self, section: int) -> None:
        """The song is rendered up to the end of a section: with `isolated_until` it is isolated no longer."""
        if self.isolated_until is not None and section >= self.isolated_until:
            self.isolated_until = None

    def _isolate(self, at: WorkPosition) -> None:
        _, section, _ = at
        self.isolated_until = max(section, self.isolated_until or 0)

    def _again(self, retries: int) -> RetryDecision:
        self.attempts += 1
        return RetryDecision.RETRY if self.attempts <= retries else RetryDecision.GIVE_UP
