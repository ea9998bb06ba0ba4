"""A Ray cluster of two nodes on this computer, one of them in a network namespace (needs root)."""

import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from server.workers.ray.pool import INLINE
from tests.support.requirements import not_tried

HERE, THERE = "10.77.31.1", "10.77.31.2"
PORT = 6391
_REDIS_PORT = 6392
_NAMESPACE, _NEAR, _FAR = "melisma-ray", "melisma-near", "melisma-far"
_HEALTH = {
    "RAY_health_check_initial_delay_ms": "1000",
    "RAY_health_check_period_ms": "1000",
    "RAY_health_check_failure_threshold": "3",
    "RAY_health_check_timeout_ms": "1000",
    "RAY_agent_register_timeout_ms": "120000",  # which busy computers need
}
_START_SECONDS = 180.0


class RayNodes:
    """Starts, stops and disturbs the two nodes of a Ray cluster; `folder` has the cluster's files."""

    def __init__(self, folder: Path, head: str = HERE, redis: str = "") -> None:
        """Set up the cluster; `head` is the address of the head node, which stores its state in the Redis at `redis`
        ("host:port") if it is given.
        """
        self._folder = folder
        self._nodes: dict[str, subprocess.Popen[bytes]] = {}
        self._redis = redis
        self.head = head
        self.token_file = folder / "token"
        self.token_file.write_text(secrets.token_hex(32), "ascii")
        self.token_file.chmod(0o600)
        self.address = f"{head}:{PORT}"

    def start_head(self, cpus: int) -> None:
        """Start the head node with room for `cpus` CPUs in Ray's count, and wait until it accepts calls."""
        self._start(self.head, ["--head", "--port", str(PORT), "--include-dashboard", "false"], cpus)
        _until(lambda: _answers(self.head))

    def start_other(self, cpus: int) -> None:
        """Start the node that is not the head, with `cpus` CPUs in Ray's count; it joins the cluster at the head's
        address.
        """
        self._start(THERE if self.head == HERE else HERE, ["--address", self.address], cpus)

    def stop(self, node: str) -> None:
        """Kill all processes of a node at once."""
        if (process := self._nodes.pop(node, None)) is not None:
            _kill_session(process.pid)
            process.wait()

    def run(self, node: str) -> bool:
        """Return True if the process of the node was started and still runs."""
        return node in self._nodes and self._nodes[node].poll() is None

    def close(self) -> None:
        """Kill all nodes."""
        for node in [*self._nodes]:
            self.stop(node)
        shutil.rmtree(self._temporary, ignore_errors=True)

    def link(self, *, up: bool) -> None:
        """Set the network link between the nodes up or down."""
        _ip("-n", _NAMESPACE, "link", "set", _FAR, "up" if up else "down")

    def workers(self, node: str) -> list[int]:
        """Return the process ids of Melisma's workers on a node."""
        return self._running(node, b"ray::_NodeWorker")

    def hosts(self, node: str) -> list[int]:
        """Return the ids of those processes on a node that start its encoders (Ray actors of the class
        CompanionHost).
        """
        return self._running(node, b"ray::CompanionHost")

    def encoders(self, node: str) -> list[int]:
        """Return the process ids of the encoders on a node."""
        return self._running(node, b"server.encoders.encoder")

    def _running(self, node: str, name: bytes) -> list[int]:
        if node not in self._nodes:
            return []
        return [pid for pid in _session(self._nodes[node].pid) if name in _command(pid)]

    def _start(self, node: str, arguments: list[str], cpus: int) -> None:
        # Ray refuses to start a head while it sees processes of its nodes, as those of other computers never are.
        apart = ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc"]
        command = ["ip", "netns", "exec", _NAMESPACE, *apart] if node == THERE else []
        command += [sys.executable, "-m", "ray.scripts.scripts", "start", *arguments, "--block"]
        command += ["--node-ip-address", node, "--num-cpus", str(cpus), "--object-store-memory", str(80 << 20)]
        command += ["--temp-dir", str(self._temporary)] if node == self.head else []
        environment = {
            **os.environ,
            **_HEALTH,
            **({"RAY_REDIS_ADDRESS": self._redis} if self._redis and node == self.head else {}),
            "RAY_AUTH_MODE": "token",
            "RAY_AUTH_TOKEN_PATH": str(self.token_file),
            "RAY_USAGE_STATS_ENABLED": "0",
            "RAY_worker_niceness": "0",
            **INLINE,
            "TMPDIR": str(self._files),
            "PYTHONPATH": os.pathsep.join(map(os.path.abspath, sys.path)),
        }
        with (self._folder / f"{node}.log").open("ab") as log:
            self._nodes[node] = subprocess.Popen(
                command, env=environment, stdout=log, stderr=log, start_new_session=True
            )

    @property
    def _files(self) -> Path:
        """The folder of temporary files of workers and encoders."""
        folder = self._temporary / "files"
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    @property
    def _temporary(self) -> Path:
        """Ray's temporary folder, with a short path, because Ray's socket paths are limited in length."""
        return Path("/tmp") / f"mr-{self._folder.stat().st_ino}"


@contextmanager
def two_networks() -> Iterator[None]:
    """Context manager in which a second network namespace has a link to this one."""
    _away()
    _ip("netns", "add", _NAMESPACE)
    try:
        _ip("link", "add", _NEAR, "type", "veth", "peer", "name", _FAR, "netns", _NAMESPACE)
        _ip("addr", "add", f"{HERE}/24", "dev", _NEAR)
        _ip("link", "set", _NEAR, "up")
        _ip("-n", _NAMESPACE, "addr", "add", f"{THERE}/24", "dev", _FAR)
        for device in ("lo", _FAR):
            _ip("-n", _NAMESPACE, "link", "set", device, "up")
        yield
    finally:
        _away()


@contextmanager
def redis_server(host: str) -> Iterator[str]:
    """Context manager with the "host:port" of a Redis or Valkey that listens at an address of this computer."""
    program = shutil.which("valkey-server") or shutil.which("redis-server")
    if program is None:
        not_tried("Redis is missing: run `make redis`")
    command = [program, "--bind", host, "--port", str(_REDIS_PORT), "--save", "", "--protected-mode", "no"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        yield f"{host}:{_REDIS_PORT}"
    finally:
        process.kill()
        process.wait()


def can_have_networks() -> bool:
    """Return True if this process can create network namespaces."""
    return os.geteuid() == 0 and shutil.which("ip") is not None


def state(pid: int) -> str:
    """Return the state letter of a process from /proc, such as "T" for stopped; empty if the process does not exist or
    is a zombie.
    """
    with suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()[0].replace("Z", "")
    return ""


def ended(pid: int) -> bool:
    """Return True if the process does not exist any more, or is a zombie."""
    return state(pid) == ""


def _away() -> None:
    subprocess.run(["ip", "netns", "delete", _NAMESPACE], check=False, capture_output=True)
    subprocess.run(["ip", "link", "delete", _NEAR], check=False, capture_output=True)


def _ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True)


def _until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError("the head did not start in time")
        time.sleep(0.2)


def _answers(head: str) -> bool:
    with suppress(OSError):
        socket.create_connection((head, PORT), 1.0).close()
        return True
    return False


def _session(leader: int) -> list[int]:
    """Return the ids of the process `leader`, of all processes in its session, and of all their descendants."""
    found = [leader]
    parents: dict[int, tuple[int, int]] = {}
    for entry in Path("/proc").iterdir():
        with suppress(OSError, ValueError):
            fields = (entry / "stat").read_text("ascii", "replace").rpartition(")")[2].split()
            parents[int(entry.name)] = int(fields[1]), int(fields[3])
    for pid in found:
        found += [
            child for child, (parent, session) in parents.items() if child not in found and pid in (parent, session)
        ]
    return found


def _command(pid: int) -> bytes:
    with suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    return b""


def _kill_session(leader: int) -> None:
    for _ in range(3):
        for pid in _session(leader)[::-1]:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.1)
