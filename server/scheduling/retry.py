"""Decides if a song whose attempt failed is retried from its last section boundary.

A retry never joins two different versions of a section. A section is rendered only from its final state, which the
worker returns with the last step (`SectionStep.finished`). A retry renders the rest from the same state, and denoises
the following sections in the context of the sound that was played. A section without a final state was not played, and
is denoised again, perhaps batched with other songs and thus with other rounding (`Engine.denoise`).

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
"""Position of the work on a song: kind of command, index of the section, and index of the step or window in the
section.
"""


class RetryDecision(Enum):
    """The decision about a song whose attempt failed: retry it, end it with an error, or end it and refuse its request
    (POISONED).
    """

    RETRY = "retry"
    GIVE_UP = "give up"
    POISONED = "poisoned"


@dataclass(frozen=True, slots=True)
class FailedAttempt:
    """A song that was taken off its device after a failure, and the decision about it. `failure` is the engine's error,
    `None` if the worker died.
    """

    song_id: str
    decision: RetryDecision
    failure: Failed | None = None


@dataclass(slots=True)
class AttemptHistory:
    """The failed attempts at one song. After a crash the song is isolated until it has passed section `isolated_until`.
    `fatal_positions` are the positions (kind of command, section, step or window) in the song at which a worker died,
    `failed_positions` those at which the engine reported an error.

    Losses of an encoder are counted separately; `encoded_seconds` is the length of the song's sound that was encoded
    before the last loss.
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
        """Record that the song's worker died, and return the decision to retry the song or to end it. `at` is the
        song's position at that moment, `None` if the worker was working on other songs.

        The decision is POISONED if two workers have died at the same position of the song. At most `retries` failed
        attempts are retried.
        """
        if at is not None and at in self.fatal_positions:
            return RetryDecision.POISONED
        if at is not None:
            self.fatal_positions.add(at)
            self._isolate(at)
        return self._again(retries)

    def failed(self, fault: Fault, at: WorkPosition, retries: int, *, shared: bool = False) -> RetryDecision:
        """Record that the present attempt at the song ended with an error at the position `at`, and return the decision
        to retry the song or to end it. A bug that occurs twice at the same position is not retried. At most `retries`
        failed attempts are retried.

        If the bug is `shared` (it occurred in a command for several songs), this song may not have caused it, and is
        retried alone.
        """
        if fault is Fault.BUG and shared:
            self._isolate(at)
            return self._again(retries)
        if fault in (Fault.CALLER, Fault.INSTALLATION) or (fault is Fault.BUG and at in self.failed_positions):
            return RetryDecision.GIVE_UP
        self.failed_positions.add(at)
        return self._again(retries)

    def encoder_lost(self, encoded_seconds: float, retries: int) -> RetryDecision:
        """Record that the song's encoder died after `encoded_seconds` of its sound, and return the decision to retry
        the song or to end it. After more than `retries` losses the song ends; the count of losses starts again when new
        sound was encoded since the last loss.
        """
        if encoded_seconds > self.encoded_seconds:
            self.encoder_losses, self.encoded_seconds = 0, encoded_seconds
        self.encoder_losses += 1
        return RetryDecision.RETRY if self.encoder_losses <= retries else RetryDecision.GIVE_UP

    def section_done(self, section: int) -> None:
        """Record that section `section` is completely rendered; the song's isolation ends with section
        `isolated_until`.
        """
        if self.isolated_until is not None and section >= self.isolated_until:
            self.isolated_until = None

    def _isolate(self, at: WorkPosition) -> None:
        _, section, _ = at
        self.isolated_until = max(section, self.isolated_until or 0)

    def _again(self, retries: int) -> RetryDecision:
        self.attempts += 1
        return RetryDecision.RETRY if self.attempts <= retries else RetryDecision.GIVE_UP
