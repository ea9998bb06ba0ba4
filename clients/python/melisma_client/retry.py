"""The policy by which failed calls are repeated: number of attempts and waits between attempts."""

from dataclasses import dataclass, field
from random import Random

from melisma_client.errors import DeadlineTooShort, MelismaError, Overloaded, Unavailable


@dataclass(frozen=True, slots=True)
class Retry:
    """Policy for repeating failed calls: `attempts` in total. The wait before each attempt is twice the previous one,
    shortened at random by up to a half (jitter).

    A call that has received no sound yet is repeated after `Unavailable`, or after `Overloaded` if the server says when
    to retry; the longer of both waits is used. `DeadlineTooShort` is never repeated, because waiting leaves even less
    time. A song with received sound is resumed only after `ConnectionLost`; attempts are counted from zero whenever
    more sound arrives.
    """

    attempts: int = 4
    first_wait_seconds: float = 0.5
    longest_wait_seconds: float = 10.0
    rng: Random = field(default_factory=Random, repr=False, compare=False)

    def wait_seconds(self, error: MelismaError, attempt: int) -> float | None:
        """Return the seconds to wait after attempt number `attempt` (from 1) failed with `error`; `None` if the call
        must not be repeated.
        """
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
"""The policy without retries: one attempt only."""
