from pathlib import Path

import pytest

from server.workers.ray.node import device_lock


@pytest.fixture(autouse=True)
def lock_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Fixture: a temporary folder, in which this process keeps its lock files during the test."""
    monkeypatch.setattr(device_lock, "default_folder", lambda: tmp_path)
    return tmp_path
