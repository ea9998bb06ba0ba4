import ipaddress
from contextlib import ExitStack

import pytest

from server.api.call_limits import CallLimits
from server.api.proxies import TrustedProxies
from server.errors import TooManyCalls

PROXY = "10.0.0.1"


def limits() -> CallLimits:
    return CallLimits(3, 5, 2, TrustedProxies([ipaddress.ip_network("10.0.0.0/8")]))


def test_a_caller_has_so_many_calls_and_another_has_its_own() -> None:
    calls = limits()
    with ExitStack() as open_calls:
        for _ in range(3):
            open_calls.enter_context(calls.of_caller("games"))
        with pytest.raises(TooManyCalls, match="3 open calls"), calls.of_caller("games"):
            pass
        with calls.of_caller("films"):
            pass
    with calls.of_caller("games"):
        pass


def test_calls_without_a_key_are_bounded_by_address_and_in_all() -> None:
    calls = limits()
    with ExitStack() as open_calls:
        for address in ("a", "a", "b", "b"):
            open_calls.enter_context(calls.without_key(address))
        with pytest.raises(TooManyCalls), calls.without_key("a"):
            pass
        open_calls.enter_context(calls.without_key("c"))
        with pytest.raises(TooManyCalls), calls.without_key("d"):
            pass
        with calls.of_caller("games"):
            pass


def test_a_trusted_proxy_asks_for_many() -> None:
    calls = limits()
    with ExitStack() as open_calls:
        for _ in range(5):
            open_calls.enter_context(calls.without_key(PROXY))
        with pytest.raises(TooManyCalls), calls.without_key(PROXY):
            pass
