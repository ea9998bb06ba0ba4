"""The engines of this server, as its callers see them."""

from collections.abc import Sequence

from melisma.v1 import music_pb2
from server.contract.resources import engine_message
from server.errors import UnknownEngine
from server.songs.ports import SongRunner


class EngineCatalog:
    """Lists all configured engines, loaded or not; the default comes first."""

    def __init__(self, runner: SongRunner, names: Sequence[str]) -> None:
        self._runner = runner
        self._names = tuple(names)

    @property
    def default(self) -> str:
        """The engine of a request that names none."""
        return self._names[0]

    def all(self) -> list[music_pb2.Engine]:
        """All configured engines."""
        return list(map(self.get, self._names))

    def get(self, name: str) -> music_pb2.Engine:
        """One configured engine; raises UnknownEngine."""
        if name not in self._names:
            raise UnknownEngine(name, self._names)
        info, devices = self._runner.engines().get(name), self._runner.engine_devices(name)
        return engine_message(name, info, devices, ready=self._runner.ready(name))
