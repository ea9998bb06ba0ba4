"""The balancers of deploy/, started as they are there but for names and ports."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, Protocol

import yaml

from tests.deploy.tools import DEPLOY, output_of, running, tool
from tests.support.servers import answers, free_port
from tests.support.service import Service

IDLE = "60s"
"""The silence after which the balancers of deploy/ take a stream for dead."""


class Balancer(Protocol):
    """Starts a balancer before some servers, with its files in `folder`; `idle` is in the place of `IDLE`."""

    def __call__(
        self, servers: Sequence[Service], folder: Path, *, idle: str = IDLE
    ) -> AbstractContextManager[str]: ...


@contextmanager
def envoy(servers: Sequence[Service], folder: Path, *, idle: str = IDLE) -> Iterator[str]:
    """Envoy, to its address."""
    config = yaml.safe_load((DEPLOY / "balancers" / "envoy.yaml").read_text("utf-8"))
    port, admin_port = free_port(), free_port()
    config["admin"]["address"]["socket_address"]["port_value"] = admin_port
    config["static_resources"]["listeners"][0]["address"] = _socket("127.0.0.1", port)
    manager = config["static_resources"]["listeners"][0]["filter_chains"][0]["filters"][0]["typed_config"]
    assert manager["stream_idle_timeout"] == IDLE
    manager["stream_idle_timeout"] = idle
    cluster = config["static_resources"]["clusters"][0]
    endpoints = [{"endpoint": {"address": _socket(*_host_and_port(server.address))}} for server in servers]
    cluster["load_assignment"]["endpoints"] = [{"lb_endpoints": endpoints}]
    file = folder / "envoy.yaml"
    file.write_text(yaml.safe_dump(config), "utf-8")
    output_of(tool("envoy"), "--mode", "validate", "-c", file)
    command = (tool("envoy"), "-c", file, "--concurrency", "1", "--use-dynamic-base-id", "--log-level", "warning")
    with running(*command, ready=lambda: answers(port), log=folder / "envoy.log"):
        yield f"127.0.0.1:{port}"


@contextmanager
def nginx(servers: Sequence[Service], folder: Path, *, idle: str = IDLE) -> Iterator[str]:
    """nginx, to its address."""
    port = free_port()
    file = _adapted(
        "nginx.conf", servers, folder, {"listen 50051": f"listen 127.0.0.1:{port}", "/tmp/": f"{folder}/", IDLE: idle}
    )
    command = (tool("nginx"), "-p", folder, "-c", file, "-e", folder / "nginx.errors")
    output_of(*command, "-t")
    with running(*command, "-g", "daemon off;", ready=lambda: answers(port), log=folder / "nginx.log"):
        yield f"127.0.0.1:{port}"


@contextmanager
def haproxy(servers: Sequence[Service], folder: Path, *, idle: str = IDLE) -> Iterator[str]:
    """HAProxy, to its address."""
    port = free_port()
    ports = {
        f"melisma-{number}:50051 check check-proto h1 port 8080": f"{server.address} check check-proto h1 port "
        f"{_host_and_port(server.http_address)[1]}"
        for number, server in enumerate(servers, start=1)
    }
    file = _adapted("haproxy.cfg", (), folder, {"bind :50051": f"bind 127.0.0.1:{port}", IDLE: idle, **ports})
    output_of(tool("haproxy"), "-c", "-f", file)
    with running(tool("haproxy"), "-W", "-f", file, ready=lambda: answers(port), log=folder / "haproxy.log"):
        yield f"127.0.0.1:{port}"


@contextmanager
def none(servers: Sequence[Service], folder: Path, *, idle: str = IDLE) -> Iterator[str]:
    """No balancer: a target of several addresses, as the name of a headless Service is, for the client to choose."""
    yield "ipv4:" + ",".join(server.address for server in servers)


BALANCERS: Mapping[str, Balancer] = {"envoy": envoy, "nginx": nginx, "haproxy": haproxy, "round_robin": none}


def _adapted(name: str, servers: Sequence[Service], folder: Path, changes: Mapping[str, str]) -> Path:
    text = (DEPLOY / "balancers" / name).read_text("utf-8")
    names = {f"melisma-{number}:50051": server.address for number, server in enumerate(servers, start=1)}
    for old, new in {**changes, **names}.items():
        assert old in text, f"{name} does not say {old!r} any more"
        text = text.replace(old, new)
    file = folder / name
    file.write_text(text, "utf-8")
    return file


def _host_and_port(address: str) -> tuple[str, int]:
    host, _, port = address.rpartition(":")
    return host, int(port)


def _socket(host: str, port: int) -> dict[str, Any]:
    return {"socket_address": {"address": host, "port_value": port}}
