from pathlib import Path

import pytest

from server.workers.ray.node import device_lock


@pytest.fixture(autouse=True)
def lock_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Fixture: the folder of the locks of this process, which belongs to the test."""
    monkeypatch.setattr(device_lock, "default_folder", lambda: tmp_path)
    return tmp_path
