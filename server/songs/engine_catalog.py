"""The engines of this server, as its callers see them."""

from collections.abc import Sequence

from melisma.v1 import music_pb2
from server.contract.paging import MAX_PAGE_SIZE, engine_token, engines_behind, page_size
from server.contract.resources import engine_message
from server.errors import UnknownEngine
from server.songs.ports import SongRunner


class EngineCatalog:
    """The configured engines, loaded or not; the default comes first."""

    def __init__(self, runner: SongRunner, names: Sequence[str]) -> None:
        self._runner = runner
        self._names = tuple(names)

    @property
    def default(self) -> str:
        """The engine of a request that names none."""
        return self._names[0]

    def page(self, asked: int = 0, token: str = "") -> music_pb2.ListEnginesResponse:
        """A page of the engines, of the size `asked`, 0 for the default; raises InvalidRequest for a bad token."""
        names, size = engines_behind(self._names, token), page_size(asked, MAX_PAGE_SIZE)
        next_token = engine_token(names[size - 1]) if len(names) > size else ""
        return music_pb2.ListEnginesResponse(engines=map(self.get, names[:size]), next_page_token=next_token)

    def get(self, name: str) -> music_pb2.Engine:
        """One configured engine; raises UnknownEngine."""
        if name not in self._names:
            raise UnknownEngine(name, self._names)
        info, devices = self._runner.engines().get(name), self._runner.engine_devices(name)
        return engine_message(name, info, devices, ready=self._runner.ready(name))
