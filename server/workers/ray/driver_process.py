"""The driver process: a process that joins a Ray cluster for a server and controls the server's workers there.

python -P -m server.workers.ray.driver_process DESCRIPTOR

DESCRIPTOR is the file descriptor of the pipe to the server.

It is a separate process because Ray ends the process that uses it when the cluster is lost. Also, each call to Ray
takes half a millisecond, which would delay the event loop of the server.
"""

import asyncio
import os
import signal
import socket
import sys

from server.log_output.lines import configure_logs
from server.workers.pipes.async_pipe import AsyncPipe
from server.workers.pipes.pipe import PipeClosed
from server.workers.ray.driver import Driver
from server.workers.ray.joining import CannotJoin, reason
from server.workers.ray.messages import ClusterSpec, Connected, NotConnected

_REACH_SECONDS = 5.0


def main(descriptor: int) -> None:
    """Read a `ClusterSpec` from the pipe with that file descriptor, join the cluster, and control its workers until the
    pipe is closed.
    """
    asyncio.run(_drive(descriptor))
    sys.stderr.flush()
    os._exit(0)  # threads of Ray may be waiting for a lost cluster


async def _drive(descriptor: int) -> None:
    pipe = await AsyncPipe.open(socket.socket(fileno=descriptor))
    try:
        spec = await pipe.receive()
    except PipeClosed:
        return
    assert isinstance(spec, ClusterSpec)
    configure_logs(spec.logs.level, spec.logs.format)
    try:
        await asyncio.to_thread(_reach, spec.address)
        from server.workers.ray.cluster import RayCluster

        cluster = await asyncio.to_thread(RayCluster, spec.address, spec.ping_seconds)
    except CannotJoin as error:
        pipe.send(NotConnected(str(error)))
        return
    _ignore_signals()
    pipe.send(Connected())
    await Driver(pipe, cluster, pool=spec.pool, ping_seconds=spec.ping_seconds).run()


def _reach(address: str) -> None:
    """Check within five seconds that the address accepts connections; Ray itself would need a minute. Raises
    CannotJoin.
    """
    host, _, port = address.rpartition(":")
    try:
        socket.create_connection((host, int(port)), _REACH_SECONDS).close()
    except OSError as error:
        raise CannotJoin(reason(address, error)) from error


def _ignore_signals() -> None:
    """Ignore SIGINT and SIGTERM, for which Ray has set its own handlers; the server ends this process by closing the
    pipe.
    """
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)


if __name__ == "__main__":
    main(int(sys.argv[1]))
