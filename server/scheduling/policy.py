"""Ranks songs, as pure functions of what is known about them. batching.py chooses those that share a step.

Deadline. A song's deadline is the moment at which a listener who started with the first window runs out of sound,
less a margin; that of a song which nobody hears yet is the moment at which it got its slot. So a new song goes before
all that have sound in hand, and after one that is about to fall silent: a break is worse than a later start. Where the
caller has set a deadline for the whole song, it counts when the rest has to be begun, if that is earlier. Deadlines
of songs that are not served stand still while those of served songs move on; that is all the aging it takes.

Rank. Urgent songs (deadline within `comfort_seconds`) go first: those of callers within their fair share, then
those of callers beyond it. A caller is beyond its share when it was given `share_lead_seconds` more device time, per
weight, than the caller here who was given least. Then come songs with slack. Among equals the earlier deadline wins.

Listeners. Songs that are made for later share what those with listeners leave, by their own rank. They never get less
than `detached_share` of a device, so that each of them ends: while they have had less, they go before listeners who can
wait, but after those that are due (deadline reached), for whom even a short turn of others is a break. Once they are
owed `overdue_seconds` they go before all; that happens where listeners are due all the time.

Throttling. A song that is `ahead_seconds` ahead of its listener gets nothing while another one on its device is not.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple


class Order(StrEnum):
    """The rule by which songs are ranked."""

    DEADLINE = "deadline"
    ARRIVAL = "arrival"


class Urgency(NamedTuple):
    """The urgency of a song; `runs_out_at` `None`: nobody hears it yet. `share_lead` in device seconds.

    `placed_at` is when it got its slot on the device; `None` counts from its arrival.
    """

    song_id: str
    arrived_at: float
    runs_out_at: float | None
    share_lead: float = 0.0
    has_listener: bool = True
    placed_at: float | None = None


@dataclass(frozen=True, slots=True)
class Policy:
    """The rules of the module's text and their figures, in seconds.

    With `stall_free` a song leaves the queue only when every listener stays stall-free by the forecast (placement.py),
    which keeps `headroom`, a share of the device time, for what it does not know.
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
        """The moment at which the song's next sound is due."""
        if song.runs_out_at is not None:
            return song.runs_out_at - self.margin_seconds
        return song.arrived_at if song.placed_at is None else song.placed_at

    def has_slack(self, song: Urgency, now: float) -> bool:
        """True if the song has slack: it can wait without a stall. False for all songs where only arrival counts."""
        waits = not song.has_listener or self.deadline(song) >= now + self.comfort_seconds
        return waits and self.order is Order.DEADLINE

    def throttled(self, runs_out_at: float | None, now: float) -> bool:
        """True if a song is as far ahead of its listener as it may be while others need the device."""
        ahead = runs_out_at is not None and runs_out_at >= now + self.ahead_seconds
        return ahead and self.order is Order.DEADLINE

    def ranked(self, songs: Iterable[Urgency], now: float, *, detached_owed_seconds: float = 0.0) -> list[Urgency]:
        """The songs to be served, first to last; throttled ones are left out unless all are.

        `detached_owed_seconds` of device time are missing to the share of the songs without listeners.
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
        """The number of `listeners`, given in rank, who go before songs that have none."""
        if owed_seconds < self.owed_seconds:
            return len(listeners)
        if owed_seconds >= self.overdue_seconds:
            return 0
        due = (position for position, song in enumerate(listeners, start=1) if self.deadline(song) <= now)
        return max(due, default=0)

    def _rank_at(self, now: float) -> Callable[[Urgency], tuple[float, ...]]:
        """Makes the function that gives each song its rank by deadline: smaller goes first."""
        deadline_of, slack_from, share_lead = self.deadline, now + self.comfort_seconds, self.share_lead_seconds

        def rank(song: Urgency) -> tuple[float, ...]:
            deadline = deadline_of(song)
            group = 2 if deadline >= slack_from else song.share_lead > share_lead
            return (group, deadline, song.arrived_at)

        return rank
