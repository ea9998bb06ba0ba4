from pathlib import Path

import pytest

from server.workers.engine_loading import load_engines
from server.workers.messages import EngineSpec, Fault
from tests.support.fakes import FAKE, MISSING
from tests.support.workers.trouble import TROUBLE_ONCE


def test_an_engine_that_cannot_be_loaded_leaves_the_others_alone() -> None:
    engines, failures = load_engines([MISSING, FAKE, EngineSpec("broken", "tests.support.fakes:NoSuchEngine")], "cpu")
    assert list(engines) == ["fake"]
    faults = {name: failure.fault for name, failure in failures.items()}
    assert faults == {"missing": Fault.INSTALLATION, "broken": Fault.BUG}


def test_lack_of_memory_is_no_failure_of_the_engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TROUBLE", str(tmp_path / "trouble"))
    (tmp_path / "trouble").write_text("load memory")
    with pytest.raises(MemoryError):
        load_engines([FAKE, TROUBLE_ONCE], "cpu")
