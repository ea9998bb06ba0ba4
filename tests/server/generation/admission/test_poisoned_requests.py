import pytest

from server.errors import PoisonedRequest
from server.generation.admission.poisoned_requests import PoisonedRequests, fingerprint
from server.song import SongRequest
from tests.support.fakes import ManualClock, params


def request(prompt: str = "", seed: int = 1, engine: str = "fake") -> SongRequest:
    return SongRequest("id", engine, params(prompt, seed=seed))


def test_a_request_that_was_remembered_is_refused_by_its_name_whatever_its_seed() -> None:
    requests = PoisonedRequests(ManualClock())
    name = requests.add(request(seed=1)).fingerprint
    with pytest.raises(PoisonedRequest, match=name):
        requests.check(request(seed=2))
    requests.check(request("other"))


def test_requests_are_told_apart_by_engine_and_parameters() -> None:
    assert len({fingerprint(one) for one in (request(), request("x"), request(engine="other"))}) == 3


def test_a_request_is_forgotten_after_a_while() -> None:
    clock = ManualClock()
    requests = PoisonedRequests(clock)
    requests.add(request())
    clock.now += 601.0
    requests.check(request())


def test_only_so_many_are_remembered() -> None:
    requests = PoisonedRequests(ManualClock())
    for number in range(1025):
        requests.add(request(str(number)))
    requests.check(request("0"))
    with pytest.raises(PoisonedRequest):
        requests.check(request("1"))
