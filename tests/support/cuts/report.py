"""Collects the results for all songs of a fleet, and the faults that happened."""

import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from tests.support.cuts.fleet import Fleet, Member
from tests.support.cuts.silences import Silence

_BEFORE_SECONDS = 4.0


@dataclass
class Report:
    """The results of all songs: descriptions of errors (`wrong`), the listeners' silences, and the number of complete
    songs.

    `pauses` are times without sound after a song's first sound, even if other events arrived; `befell` counts the
    faults by name.
    """

    wrong: list[str] = field(default_factory=list)
    silences: list[Silence] = field(default_factory=list)
    pauses: list[Silence] = field(default_factory=list)
    befell: Counter[str] = field(default_factory=Counter)
    whole: int = 0

    def told(self, fleet: Fleet) -> str:
        """Return a text with the numbers of songs and faults, and the longest silences."""
        befell = ", ".join(f"{name} {count}" for name, count in sorted(self.befell.items()))
        return (
            f"{self.whole} heard whole, {len(self.wrong)} wrong; {befell}\n"
            f"longest silence of a listener: {_longest(self.silences, fleet)}\n"
            f"longest pause between chunks: {_longest(self.pauses, fleet)}"
        )

    def too_long(self, fleet: Fleet, silence_seconds: float, pause_seconds: float) -> list[str]:
        """Return a description of each silence longer than `silence_seconds` and each pause longer than
        `pause_seconds`, counted anew from each fault that hit the song; the description has the log records of that
        time.
        """
        bounds = ((self.silences, silence_seconds), (self.pauses, pause_seconds))
        found = [one for all_of, bound in bounds for one in all_of if max(one.stretches(fleet.cuts)) > bound]
        return ["\n".join(_explained(one, fleet)) for one in found]


def _longest(silences: Sequence[Silence], fleet: Fleet) -> str:
    longest: dict[str, float] = {}
    for one in silences:
        longest[one.listener] = max(longest.get(one.listener, 0.0), one.seconds)
    each = sorted(longest.values())
    middle, late = each[len(each) // 2], each[int(len(each) * 0.99)]
    counted = max(max(one.stretches(fleet.cuts)) for one in silences)
    return f"P50 {middle:.2f} s, P99 {late:.2f} s, most {each[-1]:.2f} s; after one cut: most {counted:.2f} s"


def _explained(silence: Silence, fleet: Fleet) -> Iterator[str]:
    stretches = ", ".join(f"{seconds:.2f}" for seconds in silence.stretches(fleet.cuts))
    yield f"{silence.listener} of {silence.song_id} was silent for {silence.seconds:.2f} s: {stretches}"
    since, until = silence.began - _BEFORE_SECONDS, silence.ended
    happened = [
        (cut.at, f"{cut.kind} of {cut.port or 'the directory'}" + " (hits it)" * cut.hits(silence))
        for cut in fleet.cuts
    ]
    happened += [(at, f"connected to {port}") for at, port in silence.way.taken]
    for member in (*fleet.ended, *fleet.members):
        happened += _logged(member, silence.song_id)
    happened += [(silence.began, "silence"), (silence.ended, "sound")]
    yield from (f"  {at - silence.began:+.2f} s {text}" for at, text in sorted(happened) if since <= at <= until)


def _logged(member: Member, song_id: str) -> Iterator[tuple[float, str]]:
    """Yield the records of a server's log that concern the song, or no song at all, with their times on the monotonic
    clock.
    """
    monotonic = time.monotonic() - datetime.now(UTC).timestamp()
    for line in tuple(member.lines):
        if line.get("song_id", song_id) == song_id:
            at = datetime.fromisoformat(line["time"]).timestamp() + monotonic
            yield at, f"{member.port}: {line['message']} {line.get('method', '')} {line.get('code', '')}"
