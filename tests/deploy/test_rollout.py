"""Tests a rolling update of three servers, at the speed that the manifests allow, with plain gRPC clients.

Times are a tenth of the real ones: those of the manifests, and gRPC's pause between two DNS queries of a name.
"""

import json
import re
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import grpc
import pytest
import yaml

from melisma.v1 import music_pb2, music_pb2_grpc
from tests.deploy.rollouts import Names, pods, roll
from tests.deploy.tools import DEPLOY, ROOT
from tests.support.servers import eventually

pytestmark = pytest.mark.deploy

GRPC_INTERVAL_SECONDS = 30.0
"""Default minimum time in seconds between two DNS queries of a gRPC client."""
SCALE = 0.1
CLIENTS = 3
PAUSE_SECONDS = 0.05
COUNT = 3


class Caller:
    """A plain gRPC client that requests short songs repeatedly; `refused` lists the errors of failed calls."""

    def __init__(self, target: str, interval_seconds: float, service_config: Any) -> None:
        self.refused: list[str] = []
        self.songs = 0
        options: list[tuple[str, Any]] = [
            ("grpc.service_config", json.dumps(service_config)),
            ("grpc.dns_min_time_between_resolutions_ms", int(interval_seconds * 1000)),
            ("grpc.use_local_subchannel_pool", 1),
        ]
        self._channel = grpc.insecure_channel(target, options=options)
        self._stub = music_pb2_grpc.MusicServiceStub(self._channel)

    def call_until(self, done: threading.Event) -> None:
        """Request songs repeatedly until the event `done` is set."""
        with self._channel:
            while not done.wait(PAUSE_SECONDS):
                try:
                    self._sing()
                    self.songs += 1
                except grpc.RpcError as error:
                    self.refused.append(str(error))

    def _sing(self) -> None:
        """Request a song, and cancel the call after its first event, when the server has accepted the song."""
        request = music_pb2.GenerateRequest(prompt="noise", duration_seconds=10)
        call = self._stub.Generate(request, timeout=20)
        next(call)
        call.cancel()


def documented_service_config() -> Any:
    """Return the gRPC service config in docs/callers.md."""
    text = (ROOT / "docs/callers.md").read_text("utf-8")
    (block,) = (one for one in re.findall(r"```json\n(.*?)```", text, re.DOTALL) if "loadBalancingConfig" in one)
    return json.loads(block)


def scaled(deployment: Path) -> tuple[float, float]:
    """Return `minReadySeconds` and the `sleep` of preStop of a Deployment in seconds, scaled to the time of this
    test.
    """
    spec = yaml.safe_load(deployment.read_text("utf-8"))["spec"]
    (container,) = spec["template"]["spec"]["containers"]
    return spec["minReadySeconds"] * SCALE, container["lifecycle"]["preStop"]["sleep"]["seconds"] * SCALE


@contextmanager
def calling(callers: Sequence[Caller]) -> Iterator[None]:
    done = threading.Event()
    with ThreadPoolExecutor(len(callers)) as threads:
        running = [threads.submit(caller.call_until, done) for caller in callers]
        try:
            yield
        finally:
            done.set()
        for one in running:
            one.result(60)


def test_no_call_is_refused_where_clients_look_again_before_the_next_pod_goes() -> None:
    """As a control, all calls of clients that query DNS too late fail for a while."""
    min_ready, pre_stop = scaled(DEPLOY / "kubernetes/base/deployment.yaml")
    names = Names()
    with names.answering(), pods(2 * COUNT, "fake=tests.support.fakes:FakeEngine") as (servers, port):
        names.addresses = tuple(server.address.rpartition(":")[0] for server in servers[:COUNT])
        timely = [
            Caller(names.target(port), GRPC_INTERVAL_SECONDS * SCALE, documented_service_config())
            for _ in range(CLIENTS)
        ]
        late = Caller(names.target(port), 100 * GRPC_INTERVAL_SECONDS, {"loadBalancingConfig": [{"round_robin": {}}]})
        with calling([*timely, late]):
            # Each knows the old servers alone.
            eventually(lambda: all(caller.songs for caller in (*timely, late)))
            roll(names, servers[:COUNT], servers[COUNT:], min_ready_seconds=min_ready, pre_stop_seconds=pre_stop)
            eventually(lambda: len(late.refused) > 0)
    assert [caller.refused for caller in timely] == [[]] * CLIENTS
    assert min(caller.songs for caller in timely) > 20
