"""The engines of this server and, where it is one of several replicas, of its service, as callers see them."""

from collections.abc import Callable, Mapping, Sequence

from melisma.v1 import music_pb2
from model.engine import EngineInfo
from server.contract.paging import MAX_PAGE_SIZE, engine_token, engines_behind, page_size
from server.contract.resources import engine_message
from server.errors import UnknownEngine
from server.songs.ports import SongRunner
from server.store.directory import ServedEngine


class EngineCatalog:
    """The engines that are configured here, loaded or not, and those that any replica serves; the default comes first.

    The default is the first configured one that is served, where any is, else the first configured one.
    """

    def __init__(
        self,
        runner: SongRunner,
        names: Sequence[str],
        served: Callable[[], Mapping[str, ServedEngine]] = dict,
    ) -> None:
        """`names` are configured. `served` gives what all replicas serve, nothing for a server that is alone."""
        self._runner = runner
        self._configured = tuple(names)
        self._served = served

    @property
    def default(self) -> str:
        """The engine of a request that names none."""
        served = self._served()
        return next((name for name in self._known(served) if name in served), self._configured[0])

    def infos(self) -> Mapping[str, EngineInfo]:
        """What is known of the engines, by name, as far as they are loaded somewhere."""
        return {name: served.info for name, served in self._served().items()} | dict(self._runner.engines())

    def page(self, asked: int = 0, token: str = "") -> music_pb2.ListEnginesResponse:
        """A page of the engines, of the size `asked`, 0 for the default; raises InvalidRequest for a bad token."""
        names, size = engines_behind(self._names(), token), page_size(asked, MAX_PAGE_SIZE)
        next_token = engine_token(names[size - 1]) if len(names) > size else ""
        return music_pb2.ListEnginesResponse(engines=map(self.get, names[:size]), next_page_token=next_token)

    def get(self, name: str) -> music_pb2.Engine:
        """One engine; raises UnknownEngine."""
        if name not in (names := self._names()):
            raise UnknownEngine(name, names)
        if served := self._served().get(name):
            return engine_message(name, served.info, served.devices, ready=True)
        info, devices = self._runner.engines().get(name), self._runner.engine_devices(name)
        return engine_message(name, info, devices, ready=self._runner.ready(name))

    def _names(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys((self.default, *self._known(self._served()))))

    def _known(self, served: Mapping[str, ServedEngine]) -> tuple[str, ...]:
        return (*self._configured, *sorted(set(served) - set(self._configured)))
