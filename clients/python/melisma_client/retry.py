"""Retry policy of failed calls."""

from dataclasses import dataclass, field
from random import Random

from melisma_client.errors import DeadlineTooShort, MelismaError, Overloaded, Unavailable


@dataclass(frozen=True, slots=True)
class Retry:
    """Waits between tries: doubled each time, shortened at random by up to a half (jitter).

    What has brought no sound yet is tried again after `Unavailable`, or after `Overloaded` with the server's advice
    when to come back; that advice replaces the wait where it is longer. `DeadlineTooShort` is final: waiting leaves
    even less time. A song that has been heard is listened to again after `ConnectionLost` alone; tries are counted anew
    whenever more of it arrives.
    """

    attempts: int = 4
    first_wait_seconds: float = 0.5
    longest_wait_seconds: float = 10.0
    rng: Random = field(default_factory=Random, repr=False, compare=False)

    def wait_seconds(self, error: MelismaError, attempt: int) -> float | None:
        """Seconds to wait after try number `attempt` (from 1) failed with `error`; `None`: do not try again."""
        if attempt >= self.attempts:
            return None
        wait = min(self.first_wait_seconds * 2.0 ** (attempt - 1), self.longest_wait_seconds)
        wait *= 1 - self.rng.random() / 2
        if isinstance(error, Unavailable):
            return wait
        if isinstance(error, DeadlineTooShort):
            return None
        if isinstance(error, Overloaded) and error.retry_after_seconds is not None:
            return max(wait, error.retry_after_seconds)
        return None


NO_RETRY = Retry(attempts=1)
"""One try and no more."""
