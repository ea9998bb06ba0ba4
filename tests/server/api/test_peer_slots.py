import ipaddress

from server.api.peer_slots import PeerSlot, PeerSlots
from server.api.proxies import TrustedProxies

PROXIES = TrustedProxies([ipaddress.ip_network("10.0.0.0/8")])


class Port:
    """A simulated port that records its connections, and the names of those that were closed."""

    def __init__(self, count: int, peer_count: int) -> None:
        self.connections, self.closed = PeerSlots(count, peer_count, PROXIES), list[str]()
        self.held: dict[str, PeerSlot] = {}

    def connect(self, name: str, peer: str = "a", *, asks: bool = False) -> bool:
        held = self.connections.admit(peer, lambda: self.closed.append(name))
        if held is None:
            return False
        held.waiting = not asks
        self.held[name] = held
        return True


def test_the_oldest_silent_connection_of_a_peer_gives_way() -> None:
    port = Port(count=10, peer_count=3)
    assert all(port.connect(name, asks=name == "1") for name in "1234")
    assert port.closed == ["2"]
    assert len(port.connections) == 3


def test_a_peer_whose_connections_all_work_gets_no_other_one() -> None:
    port = Port(count=10, peer_count=2)
    assert port.connect("1", asks=True)
    assert port.connect("2", asks=True)
    assert not port.connect("3")
    assert port.connect("4", peer="b")
    assert port.closed == []
    assert port.connections.closed == 1


def test_where_all_are_many_the_busiest_peer_gives_way() -> None:
    port = Port(count=4, peer_count=4)
    assert port.connect("quiet", peer="b")
    assert all(port.connect(name) for name in "123")
    assert port.connect("new", peer="c")
    assert port.closed == ["1"]


def test_a_trusted_proxy_has_all_there_are() -> None:
    port = Port(count=3, peer_count=1)
    assert all(port.connect(name, "10.1.1.1", asks=True) for name in "123")
    assert not port.connect("4", "10.1.1.1")


def test_who_waits_again_is_the_last_to_give_way() -> None:
    port = Port(count=2, peer_count=2)
    port.connect("1", asks=True)
    port.connect("2")
    port.connections.mark_waiting(port.held["1"])
    port.connect("3")
    assert port.closed == ["2"]


def test_what_has_ended_is_forgotten_once() -> None:
    port = Port(count=2, peer_count=2)
    port.connect("1")
    for _ in range(2):
        port.connections.release(port.held["1"])
    assert len(port.connections) == 0
