"""Decides whether a song whose attempt failed is retried from its last section boundary.

A retry never joins two different versions of a section. A section is rendered only from its final state, which the
worker returns with the last step (`SectionStep.finished`); a retry renders the rest from the same state, and denoises
the following sections in the context of the sound that was heard. A section without a final state was not heard, and is
denoised again, perhaps batched with other songs and thus with other rounding (`Engine.denoise`).

An engine does the same work for the same request, so a request that kills a worker does so at the same point of every
attempt. Songs that were being worked on when a worker died are isolated: they continue alone until they have passed
that position by a whole section, so that no other song loses a second worker because of them. Songs that failed
together are isolated, too.
"""

from dataclasses import dataclass, field
from enum import Enum
from typing import TypeAlias

from server.workers.messages import Failed, Fault

WorkPosition: TypeAlias = tuple[str, int, int]
"""A command's kind, the section, and the step or window within it."""


class RetryDecision(Enum):
    """The decision about a song whose attempt failed: retry the song or end it."""

    RETRY = "retry"
    GIVE_UP = "give up"
    POISONED = "poisoned"


@dataclass(frozen=True, slots=True)
class FailedAttempt:
    """A song that was removed from its device after a failure. `failure` is the engine's error, if there was one."""

    song_id: str
    decision: RetryDecision
    failure: Failed | None = None


@dataclass(slots=True)
class AttemptHistory:
    """The failed attempts of one song, which is isolated until it has passed section `isolated_until`.

    Losses of an encoder are counted separately; before the last one `encoded_seconds` of the song had been encoded.
    """

    attempts: int = 0
    encoder_losses: int = 0
    encoded_seconds: float = 0.0
    fatal_positions: set[WorkPosition] = field(default_factory=set)
    failed_positions: set[WorkPosition] = field(default_factory=set)
    isolated_until: int | None = None

    @property
    def isolated(self) -> bool:
        """True if the song is isolated: it shares no device until it has passed the position of the failure."""
        return self.isolated_until is not None

    def worker_lost(self, at: WorkPosition | None, retries: int) -> RetryDecision:
        """Record that the song's worker died; `at` is the song's position at that moment.

        `at` is `None` if the worker was working on other songs.
        """
        if at is not None and at in self.fatal_positions:
            return RetryDecision.POISONED
        if at is not None:
            self.fatal_positions.add(at)
            self._isolate(at)
        return self._again(retries)

    def failed(self, fault: Fault, at: WorkPosition, retries: int, *, shared: bool = False) -> RetryDecision:
        """Record that the attempt raised an error. An error that occurs twice at the same position is not retried.

        An error `shared` with other songs may not be caused by this one, which is therefore retried alone.
        """
        if fault is Fault.BUG and shared:
            self._isolate(at)
            return self._again(retries)
        if fault in (Fault.CALLER, Fault.INSTALLATION) or (fault is Fault.BUG and at in self.failed_positions):
            return RetryDecision.GIVE_UP
        self.failed_positions.add(at)
        return self._again(retries)

    def encoder_lost(self, encoded_seconds: float, retries: int) -> RetryDecision:
        """Record that the song's encoder died after `encoded_seconds` of its sound. Only losses without new sound in
        between are counted together.
        """
        if encoded_seconds > self.encoded_seconds:
            self.encoder_losses, self.encoded_seconds = 0, encoded_seconds
        self.encoder_losses += 1
        return RetryDecision.RETRY if self.encoder_losses <= retries else RetryDecision.GIVE_UP

    def section_done(self, section: int) -> None:
        """Record that the song is rendered up to the end of a section. Passing `isolated_until` ends its isolation."""
        if self.isolated_until is not None and section >= self.isolated_until:
            self.isolated_until = None

    def _isolate(self, at: WorkPosition) -> None:
        _, section, _ = at
        self.isolated_until = max(section, self.isolated_until or 0)

    def _again(self, retries: int) -> RetryDecision:
        self.attempts += 1
        return RetryDecision.RETRY if self.attempts <= retries else RetryDecision.GIVE_UP
