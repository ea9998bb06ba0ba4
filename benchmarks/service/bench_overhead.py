"""Measures the CPU time of the server process per chunk, without engine and encoder: commands, events, messages, gRPC.

    python -m benchmarks.service.bench_overhead

The engine and the encoder are the fakes of the tests; the listener runs in another process.
"""

import argparse
import asyncio
import statistics
import sys
import time

from server.api.grpc.health import HealthServicer
from server.api.grpc.server import build_server
from server.api.grpc.servicer import MusicServicer
from server.assembly.processes import build_encoders, build_pool
from server.assembly.wiring import runner_settings
from server.generation.runner import Runner
from server.settings.settings import Settings
from tests.support.edge import songs_of
from tests.support.fakes import FAKE, FAKE_ENCODER

SONGS = 16
ROUNDS = 5
SONG_SECONDS = 60.0
START_TIMEOUT_SECONDS = 60.0
_LISTENER = """
import asyncio, sys, grpc.aio
from benchmarks.service.listener import listen
from melisma.v1 import music_pb2

async def main(port, songs, seconds):
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        requests = [music_pb2.GenerateRequest(prompt="x", duration_seconds=seconds, seed=i) for i in range(songs)]
        heard = [await listen(channel, "fake", request) for request in requests]
        print(sum(len(one.arrivals) for one in heard))

asyncio.run(main(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])))
"""


async def chunks_heard(port: int) -> int:
    """Receive some songs in another process, and return the number of chunks that it has received."""
    listener = await asyncio.create_subprocess_exec(
        sys.executable, "-c", _LISTENER, str(port), str(SONGS), str(SONG_SECONDS), stdout=asyncio.subprocess.PIPE
    )
    output, _ = await listener.communicate()
    return int(output)


async def measure() -> list[float]:
    """Return the CPU milliseconds of the server process per chunk, one value for each round."""
    settings = Settings(engines=(f"{FAKE.name}={FAKE.factory}",))
    pool = build_pool(settings)
    runner = Runner(runner_settings(settings), pool, build_encoders(settings, pool, FAKE_ENCODER))
    await runner.start()
    health = HealthServicer.alike(lambda: None if runner.ready(FAKE.name) else "no engine is ready")
    async with songs_of(runner) as songs:
        server = build_server(settings, MusicServicer(songs), health)
        port = server.add_insecure_port("127.0.0.1:0")
        try:
            await runner.wait_ready(START_TIMEOUT_SECONDS)
            await server.start()
            return [await _round(port) for _ in range(ROUNDS)]
        finally:
            health.close()
            await server.stop(0)
            await runner.stop(0)


async def _round(port: int) -> float:
    before = time.process_time()
    chunks = await chunks_heard(port)
    return 1000 * (time.process_time() - before) / chunks


def main() -> None:
    """Command line: print the median CPU time of the server process per chunk."""
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    rounds = asyncio.run(measure())
    print(f"server CPU per chunk: median {statistics.median(rounds):.2f} ms, worst round {max(rounds):.2f} ms")


if __name__ == "__main__":
    main()
