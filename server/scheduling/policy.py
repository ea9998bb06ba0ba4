"""The scheduling policy: ranks songs by pure functions of their state. batching.py chooses those that share a step.

Deadline. A song's deadline is the moment at which a listener who started with the first window runs out of sound, minus
a margin. For a song without audio it is the moment at which the song got its slot. So a new song goes before songs with
buffered sound, but after a song that is about to run out: an interruption is worse than a later start. If the caller
has set a deadline for the whole song, the moment at which the remaining work must begin counts, if it is earlier. The
deadlines of served songs advance and those of other songs do not, so no further aging is needed.

Rank. Urgent songs (deadline within `comfort_seconds`) go first: those of callers within their fair share, then those of
callers beyond it. A caller is beyond its share if it has used `share_lead_seconds` more device time, per weight, than
the least served caller. Songs with slack follow. Among equals the earlier deadline goes first.

Listeners. Songs without listeners (made for later) share the remaining device time, in the order of rank among
themselves. They get at least `detached_share` of a device, so that each of them ends. While they have had less, they go
before songs whose listeners can wait, but after songs that are due (deadline reached). Once they lack `overdue_seconds`
of their share they go before all songs, which happens if listeners are due all the time.

Throttling. A song that is `ahead_seconds` ahead of its listener gets no work while another song on its device is less
far ahead.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple


class Order(StrEnum):
    """The rule by which songs are ranked: DEADLINE by playback deadline and fair share, ARRIVAL by time of arrival."""

    DEADLINE = "deadline"
    ARRIVAL = "arrival"


class Urgency(NamedTuple):
    """The values by which a song is ranked.

    `runs_out_at` is the time at which its listener runs out of sound, `None` if the song has no audio yet. `share_lead`
    is the device time, in seconds per weight, that its caller has used more than the least served caller. `placed_at`
    is the time at which the song got its slot; if it is `None`, the time of arrival counts.
    """

    song_id: str
    arrived_at: float
    runs_out_at: float | None
    share_lead: float = 0.0
    has_listener: bool = True
    placed_at: float | None = None


@dataclass(frozen=True, slots=True)
class Policy:
    """The rules of ranking songs (explained in the docstring of this module) and their parameters, in seconds.

    With `stall_free` a song leaves the queue only if the forecast says that no listener stalls (placement.py). The
    forecast reserves `headroom`, a share of the device time, for unknown influences.
    """

    order: Order = Order.DEADLINE
    margin_seconds: float = 1.0
    comfort_seconds: float = 5.0
    ahead_seconds: float = 60.0
    share_lead_seconds: float = 2.0
    detached_share: float = 0.1
    owed_seconds: float = 0.1
    overdue_seconds: float = 1.0
    headroom: float = 0.08
    stall_free: bool = True

    def deadline(self, song: Urgency) -> float:
        """Return the time at which the song's next sound is due, on the monotonic clock in seconds."""
        if song.runs_out_at is not None:
            return song.runs_out_at - self.margin_seconds
        return song.arrived_at if song.placed_at is None else song.placed_at

    def has_slack(self, song: Urgency, now: float) -> bool:
        """Return True if the song's next sound is not due soon, so that the song can wait without a stall. Always False
        if songs are ordered by arrival.
        """
        waits = not song.has_listener or self.deadline(song) >= now + self.comfort_seconds
        return waits and self.order is Order.DEADLINE

    def throttled(self, runs_out_at: float | None, now: float) -> bool:
        """Return True if a song's listener has so much buffered sound that the song gets no work while other songs need
        the device. The sound runs out at the time `runs_out_at`; `None` if the song has no audio yet.
        """
        ahead = runs_out_at is not None and runs_out_at >= now + self.ahead_seconds
        return ahead and self.order is Order.DEADLINE

    def ranked(self, songs: Iterable[Urgency], now: float, *, detached_owed_seconds: float = 0.0) -> list[Urgency]:
        """Return the songs to be served, in the order of rank. Throttled songs are left out unless all are throttled.

        `detached_owed_seconds` is the device time that songs without listeners lack up to their share.
        """
        if self.order is Order.ARRIVAL:
            return sorted(songs, key=lambda song: song.arrived_at)
        ranked = sorted(songs, key=self._rank_at(now))
        listeners = [song for song in ranked if song.has_listener]
        if len(listeners) < len(ranked):
            ahead = self._ahead_of_detached(listeners, now, detached_owed_seconds)
            ranked = [*listeners[:ahead], *(song for song in ranked if not song.has_listener), *listeners[ahead:]]
        throttled_from = now + self.ahead_seconds
        return [song for song in ranked if song.runs_out_at is None or song.runs_out_at < throttled_from] or ranked

    def _ahead_of_detached(self, listeners: Sequence[Urgency], now: float, owed_seconds: float) -> int:
        """Return the number of `listeners` (songs with listeners, in the order of rank) that go before all songs
        without listeners. Songs without listeners still lack `owed_seconds` of their share of the device time.
        """
        if owed_seconds < self.owed_seconds:
            return len(listeners)
        if owed_seconds >= self.overdue_seconds:
            return 0
        due = (position for position, song in enumerate(listeners, start=1) if self.deadline(song) <= now)
        return max(due, default=0)

    def _rank_at(self, now: float) -> Callable[[Urgency], tuple[float, ...]]:
        """Return the sort key by which songs are ranked at the time `now`; the song with the smallest key goes
        first.
        """
        deadline_of, slack_from, share_lead = self.deadline, now + self.comfort_seconds, self.share_lead_seconds

        def rank(song: Urgency) -> tuple[float, ...]:
            deadline = deadline_of(song)
            group = 2 if deadline >= slack_from else song.share_lead > share_lead
            return (group, deadline, song.arrived_at)

        return rank
