import resource

import pytest

from server.settings.groups import Connections
from server.settings.open_files import LEAST_CONNECTIONS, TooFewFiles, files_beside_connections, with_files_for
from server.settings.settings import Settings


class Files:
    """Simulated limits of open files of the operating system."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, soft: int, hard: int) -> None:
        self.limits = (soft, hard)
        monkeypatch.setattr(resource, "getrlimit", lambda _: self.limits)
        monkeypatch.setattr(resource, "setrlimit", self._set)

    def _set(self, _: int, limits: tuple[int, int]) -> None:
        self.limits = limits


def test_the_soft_limit_is_raised_to_what_the_settings_need(monkeypatch: pytest.MonkeyPatch) -> None:
    files, settings = Files(monkeypatch, 1024, 1 << 20), Settings()
    assert with_files_for(settings) is settings
    assert files.limits == (files_beside_connections(settings) + 2 * settings.connections.count, 1 << 20)


def test_a_limit_that_is_high_enough_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    for soft in (1 << 16, resource.RLIM_INFINITY):
        files = Files(monkeypatch, soft, resource.RLIM_INFINITY)
        with_files_for(Settings())
        assert files.limits[0] == soft


def test_connections_that_do_not_fit_are_lowered_and_named(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    files = Files(monkeypatch, 512, 1024)
    fitting = with_files_for(Settings(connections=Connections(count=1000, peer_count=900)))
    assert files.limits == (1024, 1024)
    count = (1024 - files_beside_connections(fitting)) // 2
    assert (fitting.connections.count, fitting.connections.peer_count) == (count, 900 * count // 1000)
    assert f"MELISMA_CONNECTIONS__COUNT is lowered from 1000 to {count}" in caplog.text
    assert "ulimit -Hn" in caplog.text


def test_too_few_files_for_anybody_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    hard = files_beside_connections(Settings()) + 2 * LEAST_CONNECTIONS - 1
    Files(monkeypatch, hard, hard)
    with pytest.raises(TooFewFiles, match="ulimit -Hn"):
        with_files_for(Settings())
