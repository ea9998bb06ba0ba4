"""The engines that replicas announce, while their announcements are good."""

from collections.abc import Callable, Mapping, Sequence

from server.store.directory import ServedEngine
from server.store.directory_rules import engines_together


class Announcements:
    """The engines of each replica, on an injected clock."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._engines: dict[str, tuple[float, Sequence[ServedEngine]]] = {}

    def add(self, replica: str, engines: Sequence[ServedEngine], seconds: float) -> None:
        """Note the engines of a replica for so long, instead of what it had."""
        self._engines[replica] = (self._clock() + seconds, tuple(engines))

    def engines(self) -> Mapping[str, ServedEngine]:
        """The engines of all replicas, by name."""
        now = self._clock()
        self._engines = {replica: told for replica, told in self._engines.items() if told[0] > now}
        return engines_together(engine for _, engines in self._engines.values() for engine in engines)
