"""Who goes first, and who comes along: the whole policy, as pure functions of what is known about songs.

Deadline. A song's deadline is the moment at which a listener who started with the first window runs out of sound,
less a margin; that of a song which nobody hears yet is the moment of its arrival. So a new song goes before all that
have sound in hand, and after one that is about to fall silent: a break is worse than a later start. Deadlines of songs
that are not served stand still while those of served songs move on; that is all the aging it takes.

Rank. Songs in a hurry (deadline within `comfort_seconds`) go first: those of callers within their fair share, then
those of callers beyond it. A caller is beyond its share when it was given `share_lead_seconds` more device time, per
weight, than the caller here who was given least. Then come comfortable songs. Among equals the earlier deadline wins.

Cap. A song that is `ahead_seconds` ahead of its listener gets nothing while another one on its device is not.

Batch. A step that is due for the first in rank takes others along, in rank: as many as budget, memory and length
allow. When the first is in a hurry, comfortable songs come along only where the step hardly gets longer by them.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

_LENGTH_RATIO = 2.0
_FREE_RIDE = 1.1


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
class Load:
    """What a section puts on a step: tokens in all rows, tokens of its longest row, and what it can be mixed with.

    `new_bytes` is the memory that it takes by joining, 0 for one that is open already.
    """

    cost: int
    length: int
    group: tuple[str, str]
    comfortable: bool
    new_bytes: int = 0


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
        return self.order is Order.DEADLINE and self.deadline(song) >= now + self.comfort_seconds

    def capped(self, song: Standing, now: float) -> bool:
        """Whether the song is as far ahead of its listener as it may be while others need the device."""
        ahead = song.runs_out_at is not None and song.runs_out_at >= now + self.ahead_seconds
        return self.order is Order.DEADLINE and ahead

    def rank(self, song: Standing, now: float) -> tuple[float, ...]:
        """The song's place: smaller goes first."""
        if self.order is Order.ARRIVAL:
            return (song.arrived_at,)
        deadline = self.deadline(song)
        if deadline >= now + self.comfort_seconds:
            return (2, deadline, song.arrived_at)
        return (song.share_lead > self.share_lead_seconds, deadline, song.arrived_at)

    def ranked(self, songs: Iterable[Standing], now: float) -> list[Standing]:
        """The songs to be served, first to last; capped ones are left out unless all are."""
        ranked = sorted(songs, key=lambda song: self.rank(song, now))
        return [song for song in ranked if not self.capped(song, now)] or ranked


def batch(
    loads: Sequence[Load],
    *,
    max_tokens: int,
    max_sections: int,
    free_bytes: float = math.inf,
    step_seconds: Callable[[int], float] | None = None,
) -> list[int]:
    """Which of `loads`, given in rank, share a step: positions, the first always among them.

    Rows are padded to the longest one, so the budget counts padded tokens, and nothing joins that would double the
    length of another. `step_seconds` tells how long a step of so many tokens takes; `None` while it is unknown.
    """
    first = loads[0]
    taken, rows, lengths = [0], _rows(first), (first.length, first.length)
    hurried_tokens, free_bytes = first.cost, free_bytes - first.new_bytes
    for position, load in enumerate(loads[1:], start=1):
        if len(taken) >= max_sections:
            break
        shortest, longest = min(lengths[0], load.length), max(lengths[1], load.length)
        tokens = round((rows + _rows(load)) * longest)
        if load.group != first.group or longest > _LENGTH_RATIO * shortest:
            continue
        if tokens > max_tokens or 0 < load.new_bytes > free_bytes:
            continue
        if load.comfortable and not first.comfortable and not _rides_free(hurried_tokens, tokens, step_seconds):
            continue
        taken.append(position)
        free_bytes -= load.new_bytes
        rows, lengths = rows + _rows(load), (shortest, longest)
        hurried_tokens = hurried_tokens if load.comfortable else tokens
    return taken


def _rows(load: Load) -> float:
    return load.cost / load.length


def _rides_free(before: int, after: int, step_seconds: Callable[[int], float] | None) -> bool:
    return step_seconds is not None and step_seconds(after) <= _FREE_RIDE * step_seconds(before)
