from pathlib import Path

import pytest

from server.workers.execution.engine_loading import load_engines
from server.workers.execution.failures import DeviceBroken
from server.workers.messages import Fault
from server.workers.worker_spec import EngineSpec
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
        load_engines([TROUBLE_ONCE], "cpu")


def test_engines_are_loaded_beside_each_other_and_keep_their_order() -> None:
    # Each waits until the other one is being loaded, too.
    engines, failures = load_engines([spec("meeting", name) for name in ("b", "a")], "cpu")
    assert (list(engines), failures) == (["b", "a"], {})


def test_an_engine_that_fails_beside_another_leaves_it_alone() -> None:
    engines, failures = load_engines([spec("failing", "bad"), spec("meeting", "good")], "cpu")
    assert list(engines) == ["good"]
    assert {name: failure.fault for name, failure in failures.items()} == {"bad": Fault.BUG}


def test_a_broken_device_ends_the_loading_of_all() -> None:
    with pytest.raises(DeviceBroken):
        load_engines([spec("meeting", "good"), spec("broken", "bad")], "cpu")


def test_an_engine_that_lacks_memory_beside_another_is_loaded_once_more_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TROUBLE", str(tmp_path / "trouble"))
    (tmp_path / "trouble").write_text("load memory")
    engines, failures = load_engines([TROUBLE_ONCE, EngineSpec("other", FAKE.factory)], "cpu")
    assert (list(engines), failures) == (["fake", "other"], {})


def test_an_engine_that_lacks_memory_alone_too_is_no_failure_either() -> None:
    with pytest.raises(MemoryError):
        load_engines([spec("greedy", "a"), FAKE], "cpu")


def spec(kind: str, name: str) -> EngineSpec:
    """Return the specification of an engine called `name`, whose class in `tests.support.workers.loading` is the engine
    for `kind`, such as GreedyEngine for "greedy".
    """
    return EngineSpec(name, f"tests.support.workers.loading:{kind.title()}Engine")
