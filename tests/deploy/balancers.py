"""Starts the load balancers of deploy/ with their configurations, in which only host names and ports are replaced."""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import yaml

from tests.deploy.tools import DEPLOY, output_of, running, tool
from tests.support.servers import answers, free_port
from tests.support.service import Service

IDLE = "60s"
"""Time without data after which the balancers of deploy/ close a stream."""

_NAME = re.compile(r"melisma-\d+")


@dataclass(frozen=True)
class Front:
    """The addresses of a balancer for gRPC and for REST; the address for REST is empty if the balancer does not proxy
    HTTP.
    """

    grpc: str
    rest: str = ""


class Balancer(Protocol):
    """Protocol of a function that starts a balancer in front of some servers, with its files in `folder`; `idle`
    replaces the timeout `IDLE` of the configuration.
    """

    def __call__(
        self, servers: Sequence[Service], folder: Path, *, idle: str = IDLE
    ) -> AbstractContextManager[Front]: ...


@contextmanager
def envoy(servers: Sequence[Service], folder: Path, *, idle: str = IDLE) -> Iterator[Front]:
    """Context manager with the addresses of an Envoy in front of the servers."""
    config = yaml.safe_load((DEPLOY / "balancers" / "envoy.yaml").read_text("utf-8"))
    ports = {"grpc": free_port(), "rest": free_port()}
    config["admin"]["address"]["socket_address"]["port_value"] = free_port()
    resources = config["static_resources"]
    for listener in resources["listeners"]:
        listener["address"] = _socket("127.0.0.1", ports[listener["name"]])
    filters = {one["name"]: one["typed_config"] for one in resources["listeners"][0]["filter_chains"][0]["filters"]}
    manager = filters["envoy.filters.network.http_connection_manager"]
    assert manager["stream_idle_timeout"] == IDLE
    manager["stream_idle_timeout"] = idle
    addresses = {"melisma": [one.address for one in servers], "melisma-rest": [one.http_address for one in servers]}
    for cluster in resources["clusters"]:
        targets = [{"endpoint": {"address": _socket(*_host_and_port(one))}} for one in addresses[cluster["name"]]]
        cluster["load_assignment"]["endpoints"] = [{"lb_endpoints": targets}]
    file = folder / "envoy.yaml"
    file.write_text(yaml.safe_dump(config), "utf-8")
    output_of(tool("envoy"), "--mode", "validate", "-c", file)
    command = (tool("envoy"), "-c", file, "--concurrency", "1", "--use-dynamic-base-id", "--log-level", "warning")
    with running(*command, ready=lambda: all(map(answers, ports.values())), log=folder / "envoy.log"):
        yield Front(*(f"127.0.0.1:{port}" for port in ports.values()))


@contextmanager
def nginx(servers: Sequence[Service], folder: Path, *, idle: str = IDLE) -> Iterator[Front]:
    """Context manager with the addresses of an nginx in front of the servers."""
    ports = free_port(), free_port()
    listens = {f"listen {old};": f"listen 127.0.0.1:{new};" for old, new in zip((50051, 8080), ports, strict=True)}
    file = _adapted("nginx.conf", servers, folder, {**listens, "/tmp/": f"{folder}/", IDLE: idle})
    command = (tool("nginx"), "-p", folder, "-c", file, "-e", folder / "nginx.errors")
    output_of(*command, "-t")
    ready = lambda: all(map(answers, ports))  # noqa: E731
    with running(*command, "-g", "daemon off;", ready=ready, log=folder / "nginx.log"):
        yield Front(*(f"127.0.0.1:{port}" for port in ports))


@contextmanager
def haproxy(servers: Sequence[Service], folder: Path, *, idle: str = IDLE) -> Iterator[Front]:
    """Context manager with the addresses of a HAProxy in front of the servers."""
    ports = free_port(), free_port()
    binds = {f"bind :{old}": f"bind 127.0.0.1:{new}" for old, new in zip((50051, 8080), ports, strict=True)}
    file = _adapted("haproxy.cfg", servers, folder, {**binds, IDLE: idle})
    output_of(tool("haproxy"), "-c", "-f", file)
    ready = lambda: all(map(answers, ports))  # noqa: E731
    with running(tool("haproxy"), "-W", "-f", file, ready=ready, log=folder / "haproxy.log"):
        yield Front(*(f"127.0.0.1:{port}" for port in ports))


@contextmanager
def none(servers: Sequence[Service], folder: Path, *, idle: str = IDLE) -> Iterator[Front]:
    """Context manager with a gRPC target of several addresses without a balancer, like the name of a headless Service;
    the client balances by itself.
    """
    yield Front("ipv4:" + ",".join(server.address for server in servers))


PROXIES: Mapping[str, Balancer] = {"envoy": envoy, "nginx": nginx, "haproxy": haproxy}
BALANCERS: Mapping[str, Balancer] = {**PROXIES, "round_robin": none}


def _adapted(name: str, servers: Sequence[Service], folder: Path, changes: Mapping[str, str]) -> Path:
    """Write a configuration of deploy/balancers to `folder`, with one line for each of the servers; return its path.
    `changes` maps texts of the configuration to their replacements.
    """
    text = (DEPLOY / "balancers" / name).read_text("utf-8")
    for old, new in changes.items():
        assert old in text, f"{name} does not say {old!r} any more"
        text = text.replace(old, new)
    file = folder / name
    file.write_text("".join(_with_servers(text.splitlines(keepends=True), servers)), "utf-8")
    return file


def _with_servers(lines: Sequence[str], servers: Sequence[Service]) -> Iterator[str]:
    for line in lines:
        found = None if line.lstrip().startswith("#") else _NAME.search(line)
        if found is None:
            yield line
        elif found[0] == "melisma-1":
            yield from (_line_of(line, number, server) for number, server in enumerate(servers, start=1))


def _line_of(line: str, number: int, server: Service) -> str:
    """Return the configuration line of the server melisma-1, changed to the name melisma-`number` and the addresses of
    another server.
    """
    port = _host_and_port(server.http_address)[1]
    named = line.replace("melisma-1:50051", server.address).replace("melisma-1:8080", server.http_address)
    assert named != line, line
    return named.replace("port 8080", f"port {port}").replace("melisma-1", f"melisma-{number}")


def _host_and_port(address: str) -> tuple[str, int]:
    host, _, port = address.rpartition(":")
    return host, int(port)


def _socket(host: str, port: int) -> dict[str, Any]:
    return {"socket_address": {"address": host, "port_value": port}}
