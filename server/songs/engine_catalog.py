"""Lists the engines of this server, or of all servers of its service, for callers."""

from collections.abc import Callable, Mapping, Sequence

from melisma.v1 import music_pb2
from model.engine import EngineInfo
from server.contract.paging import MAX_PAGE_SIZE, engine_token, engines_behind, page_size
from server.contract.resources import engine_message
from server.errors import UnknownEngine
from server.songs.ports import SongRunner
from server.store.whole_service import ServedEngine


class EngineCatalog:
    """The list of engines for callers: the engines configured on this server, loaded or not, and those that any server
    of the service serves. The default engine comes first.

    The default is the first configured engine that is served; otherwise the first one for which songs may wait;
    otherwise the first configured one.
    """

    def __init__(
        self,
        runner: SongRunner,
        names: Sequence[str],
        served: Callable[[], Mapping[str, ServedEngine]] = dict,
        unserved: Callable[[], Mapping[str, ServedEngine]] = dict,
    ) -> None:
        """Set up the engine catalogue; `names` are the configured engines. `served` returns the engines that any server
        of the service serves now; its result is empty for a single server.

        `unserved` returns the engines for which songs may wait although no server serves them now.
        """
        self._runner = runner
        self._configured = tuple(names)
        self._served = served
        self._unserved = unserved

    @property
    def default(self) -> str:
        """Name of the default engine, for requests that name no engine."""
        for announced in (self._served(), self._unserved()):
            if found := next((name for name in self._named(announced) if name in announced), None):
                return found
        return self._configured[0]

    def infos(self) -> Mapping[str, EngineInfo]:
        """Return the properties of the engines that are loaded on some server, by name."""
        announced = {**self._unserved(), **self._served()}
        return {name: engine.info for name, engine in announced.items()} | dict(self._runner.engines())

    def page(self, asked: int = 0, token: str = "") -> music_pb2.ListEnginesResponse:
        """Return one page of the engines as a message of the API; `asked` is the requested page size, 0 for the
        default. Raises InvalidRequest for an invalid page token.
        """
        names, size = engines_behind(self._names(), token), page_size(asked, MAX_PAGE_SIZE)
        next_token = engine_token(names[size - 1]) if len(names) > size else ""
        return music_pb2.ListEnginesResponse(engines=map(self.get, names[:size]), next_page_token=next_token)

    def get(self, name: str) -> music_pb2.Engine:
        """Return one engine's description as a message of the API. Raises UnknownEngine."""
        if name not in (names := self._names()):
            raise UnknownEngine(name, names)
        if served := self._served().get(name):
            return engine_message(name, served.info, served.devices, ready=True)
        info, devices = self.infos().get(name), self._runner.engine_devices(name)
        return engine_message(name, info, devices, ready=self._runner.ready(name))

    def _names(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys((self.default, *self._named({**self._unserved(), **self._served()}))))

    def _named(self, announced: Mapping[str, ServedEngine]) -> tuple[str, ...]:
        return (*self._configured, *sorted(set(announced) - set(self._configured)))
