from server.workers.engine_loading import load_engines
from server.workers.messages import EngineSpec, Fault
from tests.support.fakes import FAKE, MISSING


def test_an_engine_that_cannot_be_loaded_leaves_the_others_alone() -> None:
    engines, failures = load_engines([MISSING, FAKE, EngineSpec("broken", "tests.support.fakes:NoSuchEngine")], "cpu")
    assert list(engines) == ["fake"]
    faults = {name: failure.fault for name, failure in failures.items()}
    assert faults == {"missing": Fault.INSTALLATION, "broken": Fault.BUG}
