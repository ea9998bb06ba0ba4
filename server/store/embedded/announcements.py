"""Stores the engines that servers announce: those served now, and all that were ever announced."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from server.store.directory_rules import engines_together, start_mean
from server.store.whole_service import KnownEngine, ServedEngine


@dataclass(slots=True)
class _Known:
    """An engine as last announced, the time at which each server's announcement expires, and the mean time in seconds
    that a server needs to start.
    """

    engine: ServedEngine
    ends: dict[str, float] = field(default_factory=dict)
    start_seconds: float | None = None

    @property
    def until(self) -> float:
        return max(self.ends.values(), default=-math.inf)


class Announcements:
    """The engines with which the servers of this process make songs, as these servers have announced them."""

    def __init__(self, clock: Callable[[], float], waiting_since: Callable[[str], float | None]) -> None:
        """Set up the announcements; `clock` returns monotonic seconds, `waiting_since` by that clock the admission time
        of an engine's longest waiting song, or `None` if no song waits.
        """
        self._clock = clock
        self._waiting_since = waiting_since
        self._engines: dict[str, tuple[float, Sequence[ServedEngine]]] = {}
        self._known: dict[str, _Known] = {}

    def add(self, replica: str, engines: Sequence[ServedEngine], seconds: float) -> bool:
        """Store the announcement of the server `replica`, valid for `seconds`, in place of its earlier one; return True
        if the server's engines have changed.
        """
        now = self._clock()
        before = {name for name, known in self._known.items() if known.ends.get(replica, now) > now}
        announced = {engine.info.name for engine in engines}
        self._engines[replica] = (now + seconds, tuple(engines))
        for engine in engines:
            self._note(replica, engine, now, now + seconds)
        for name in before - announced:
            self._known[name].ends[replica] = now
        return before != announced

    def engines(self) -> Mapping[str, ServedEngine]:
        """Return the engines that are served now, by name, merged over all servers."""
        now = self._clock()
        self._engines = {replica: announced for replica, announced in self._engines.items() if announced[0] > now}
        return engines_together(engine for _, engines in self._engines.values() for engine in engines)

    def known(self) -> Mapping[str, KnownEngine]:
        """Return all engines that a server has ever announced, by name."""
        now = self._clock()
        return {
            name: KnownEngine(known.engine, max(0.0, now - known.until), known.start_seconds)
            for name, known in self._known.items()
        }

    def _note(self, replica: str, engine: ServedEngine, now: float, until: float) -> None:
        name = engine.info.name
        known = self._known.setdefault(name, _Known(engine))
        since = self._waiting_since(name)
        if known.until <= now and since is not None:
            known.start_seconds = start_mean(known.start_seconds, now - max(since, known.until))
        known.engine, known.ends[replica] = engine, until
