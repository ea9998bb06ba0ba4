import pytest

from server.workers.availability import EngineAvailability
from server.workers.device_spec import DeviceSpec
from server.workers.messages import Failure, Fault, Ready
from tests.support.fakes import FakeEngine

DEVICES = (DeviceSpec("cpu", "cpu"), DeviceSpec("cpu#2", "cpu"))
ONE, OTHER = (Ready((FakeEngine().info(),), {}, {"fake": sound}) for sound in ("one", "other"))
LOADED = Ready((FakeEngine().info(),), {})
NOT_LOADED = Ready((), {"fake": Failure(Fault.INSTALLATION, "run `make weights`")})


def availability() -> EngineAvailability:
    return EngineAvailability(DEVICES, ["fake"])


def test_an_engine_is_given_up_when_no_device_has_it_or_is_still_trying() -> None:
    made = availability()
    assert not made.unavailable("fake")
    made.start_failed("cpu")
    assert not made.unavailable("fake")
    made.loaded("cpu#2", NOT_LOADED)
    assert made.unavailable("fake")
    made.loaded("cpu", LOADED)
    assert not made.unavailable("fake")


def test_a_pool_is_hopeless_when_no_device_could_start_a_worker_for_many_times() -> None:
    made = availability()
    for _ in range(5):
        made.start_failed("cpu")
    assert (made.failed_starts("cpu"), made.all_starts_failed()) == (5, False)
    for _ in range(5):
        made.start_failed("cpu#2")
    assert made.all_starts_failed()
    made.loaded("cpu", LOADED)
    assert (made.failed_starts("cpu"), made.all_starts_failed()) == (0, False)


def test_devices_of_an_engine_are_those_whose_worker_is_up() -> None:
    made = availability()
    made.loaded("cpu", LOADED)
    made.loaded("cpu#2", LOADED)
    made.lost("cpu")
    assert (made.devices_of("fake"), made.engines_on("cpu")) == (("cpu#2",), frozenset())


@pytest.mark.parametrize(
    ("first", "second", "sound"),
    [(ONE, ONE, "one"), (ONE, OTHER, ""), (ONE, NOT_LOADED, "one"), (ONE, LOADED, ""), (NOT_LOADED, NOT_LOADED, "")],
)
def test_an_engine_has_a_sound_where_all_devices_that_have_it_agree(first: Ready, second: Ready, sound: str) -> None:
    made = availability()
    made.loaded("cpu", first)
    made.loaded("cpu#2", second)
    assert made.sound_of("fake") == sound
