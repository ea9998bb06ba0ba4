import sys
from types import SimpleNamespace

import pytest

from server.workers.execution.device_memory import device_memory


@pytest.mark.parametrize(("initialized", "expected"), [(False, None), (True, (30, 40))])
def test_memory_is_told_once_the_device_is_in_use(
    monkeypatch: pytest.MonkeyPatch, initialized: bool, expected: tuple[int, int] | None
) -> None:
    cuda = SimpleNamespace(is_initialized=lambda: initialized, mem_get_info=lambda: (10, 40))
    monkeypatch.setitem(sys.modules, "torch", SimpleNamespace(cuda=cuda))
    assert device_memory() == expected


def test_a_process_without_torch_does_not_import_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "torch", raising=False)
    assert device_memory() is None
    assert "torch" not in sys.modules
