"""Ranks songs, as pure functions of what is known about them. batching.py chooses those that share a step.

Deadline. A song's deadline is the moment at which a listener who started with the first window runs out of sound,
less a margin; that of a song which nobody hears yet is the moment of its arrival. So a new song goes before all that
have sound in hand, and after one that is about to fall silent: a break is worse than a later start. Deadlines of songs
that are not served stand still while those of served songs move on; that is all the aging it takes.

Rank. Songs in a hurry (deadline within `comfort_seconds`) go first: those of callers within their fair share, then
those of callers beyond it. A caller is beyond its share when it was given `share_lead_seconds` more device time, per
weight, than the caller here who was given least. Then come comfortable songs. Among equals the earlier deadline wins.

Cap. A song that is `ahead_seconds` ahead of its listener gets nothing while another one on its device is not.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple


class Order(StrEnum):
    """By what songs are ranked."""

    DEADLINE = "deadline"
    ARRIVAL = "arrival"


class Standing(NamedTuple):
    """What the policy knows of a song; `runs_out_at` `None`: nobody hears it yet. `share_lead` in device seconds."""

    song_id: str
    arrived_at: float
    runs_out_at: float | None
    share_lead: float = 0.0


@dataclass(frozen=True, slots=True)
class Policy:
    """The rules of the module's text and their figures, in seconds."""

    order: Order = Order.DEADLINE
    margin_seconds: float = 1.0
    comfort_seconds: float = 5.0
    ahead_seconds: float = 60.0
    share_lead_seconds: float = 2.0

    def deadline(self, song: Standing) -> float:
        """When the song's next sound is due."""
        return song.arrived_at if song.runs_out_at is None else song.runs_out_at - self.margin_seconds

    def comfortable(self, song: Standing, now: float) -> bool:
        """Whether nothing is lost when the song waits for a while; where only arrival counts, none is."""
        return self.deadline(song) >= now + self.comfort_seconds and self.order is Order.DEADLINE

    def capped(self, runs_out_at: float | None, now: float) -> bool:
        """Whether a song is as far ahead of its listener as it may be while others need the device."""
        ahead = runs_out_at is not None and runs_out_at >= now + self.ahead_seconds
        return ahead and self.order is Order.DEADLINE

    def ranked(self, songs: Iterable[Standing], now: float) -> list[Standing]:
        """The songs to be served, first to last; capped ones are left out unless all are."""
        if self.order is Order.ARRIVAL:
            return sorted(songs, key=lambda song: song.arrived_at)
        ranked = sorted(songs, key=lambda song: self._rank(song, now))
        return [song for song in ranked if not self.capped(song.runs_out_at, now)] or ranked

    def _rank(self, song: Standing, now: float) -> tuple[float, ...]:
        """The song's place by deadline: smaller goes first."""
        deadline = self.deadline(song)
        if deadline >= now + self.comfort_seconds:
            return (2, deadline, song.arrived_at)
        return (song.share_lead > self.share_lead_seconds, deadline, song.arrived_at)
