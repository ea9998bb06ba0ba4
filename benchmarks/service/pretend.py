"""Runs a server with a simulated device, which takes 20 ms for every step of up to 32 sections, and an encoder that
only counts.

    python -m benchmarks.service.pretend --port 50070

So only the parts other than model and codec are measured: gRPC, admission, scheduling, the worker and its pipes,
metrics, streams. A song has 50 steps in 10 sections and comes as 10 chunks of 24 KB; with nothing else to do it would
take 1.0 s, and its first chunk 0.1 s.
"""

import argparse
import asyncio
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from model.engine import EngineInfo, SectionConditions, SectionContext, SectionState
from model.song import ALL_STEMS, Control, SectionKind, SectionPlan, SectionScore, SongParams, SongPlan, Voice, Window
from server.api.grpc.health import HealthServicer
from server.api.grpc.server import build_server
from server.api.grpc.servicer import MusicServicer
from server.audio.codecs.registry import file_suffixes
from server.checking.local_checker import LocalChecker
from server.encoders.encoder_process import EncoderProcess
from server.encoders.local_pool import LocalEncoders
from server.encoders.messages import EncoderSpec
from server.encoders.node_pool import NodeEncoders
from server.encoders.restarting_pool import RestartingEncoders
from server.generation.config import RunnerSettings
from server.generation.runner import Runner
from server.settings.settings import Settings
from server.songs.service import Songs
from server.store.embedded.directory import EmbeddedService
from server.store.embedded.store import embedded_store
from server.store.eviction import StoreLimits
from server.workers.device_spec import DeviceSpec
from server.workers.local_pool import LocalPool
from server.workers.messages import Lane
from server.workers.ray.pool import RayPool, driver_process
from server.workers.restarting_pool import AnyPool
from server.workers.worker_spec import EngineSpec

STEP_SECONDS = 0.02
SECTIONS, STEPS, BATCH = 10, 5, 32
SECTION_SECONDS = 1.0
# Workers send PCM to the encoder; at this rate it has about as many bytes as the MP3.
RATE_HERTZ = 3_000
ENGINE = EngineSpec("pretend", "benchmarks.service.pretend:PretendEngine")
ENCODER = EncoderSpec("benchmarks.service.pretended_encoder:PretendEncoder")
DEVICE = DeviceSpec(
    "pretend", "cpu", lanes=(Lane.DENOISE, Lane.RENDER), running_songs=64, batch_tokens=BATCH, batch_sections=BATCH
)


@dataclass(slots=True)
class PretendState:
    """The state of a section of the simulated engine, which only counts its steps."""

    steps: int = STEPS
    step: int = 0
    group: str = ""
    ends_song: bool = False


@dataclass(frozen=True, slots=True)
class PretendConditions:
    """Conditions of a section of the simulated engine, with one token."""

    cost: int = 1
    length: int = 1
    steps: int = STEPS
    memory_bytes: int = 1
    group: str = ""


class PretendEngine:
    """A simulated engine, which sleeps during its steps as if a device were computing, and returns silence."""

    @classmethod
    def load(cls, device: str) -> "PretendEngine":
        """Return the engine; there is nothing to load."""
        return cls()

    def info(self) -> EngineInfo:
        """Return the properties of the simulated engine, whose limits accept every request."""
        return EngineInfo(
            name="pretend",
            description="Sleeps.",
            languages=(),
            license="CC0-1.0",
            commercial_use_allowed=True,
            attribution="",
            sample_rate_hertz=RATE_HERTZ,
            channels=2,
            duration_seconds=(10.0, 240.0),
            steps=(1, 200),
            default_steps=STEPS,
            guidance_scale=(1.0, 30.0),
            default_guidance_scale=1.0,
            controls=frozenset(Control),
            stems=ALL_STEMS,
            voices=frozenset(Voice),
            length_is_exact=False,
        )

    def plan(self, params: SongParams) -> SongPlan:
        """Plan a song of ten sections of one second each."""
        sections = tuple(
            SectionPlan(index, SectionKind.VERSE, "", index * SECTION_SECONDS, SECTION_SECONDS)
            for index in range(SECTIONS)
        )
        return SongPlan("pretend", params.seed, STEPS, 1.0, SECTIONS * SECTION_SECONDS, sections)

    def prepare(self, plan: SongPlan, index: int) -> SectionConditions:
        """Return the conditions of a section, with one token."""
        return PretendConditions()

    def begin(
        self, plan: SongPlan, index: int, conditions: SectionConditions, context: SectionContext | None
    ) -> PretendState:
        """Return the state of a section without steps done."""
        return PretendState()

    def denoise(self, states: Sequence[SectionState]) -> None:
        """Sleep for the same time, whatever the batch, and advance the states."""
        time.sleep(STEP_SECONDS)
        for state in states:
            assert isinstance(state, PretendState)
            state.step += 1

    def context(self, state: SectionState) -> SectionContext:
        """Return an empty context, because sections are independent."""
        return state

    def score(self, state: SectionState) -> SectionScore:
        """Return an empty score."""
        return SectionScore()

    def render(self, state: SectionState) -> Iterator[Window]:
        """Yield one window of silence."""
        yield np.zeros((2, round(SECTION_SECONDS * RATE_HERTZ)), np.float32)

    def save(self, state: SectionState) -> bytes:
        """Return no bytes, because there is nothing to save."""
        return b""

    def restore(self, plan: SongPlan, index: int, saved: bytes) -> SectionContext:
        """Return an empty context, because nothing was saved."""
        return PretendState()

    def save_section(self, state: SectionState) -> bytes:
        """Return no bytes, because there is nothing to save."""
        return b""

    def restore_section(self, plan: SongPlan, index: int, saved: bytes, context: SectionContext | None) -> PretendState:
        """Return the state of a section with all steps done."""
        return PretendState(step=STEPS)

    def check(self) -> None:
        """Do nothing, because there is no device that could break."""


def pools_of(address: str, token_file: str) -> tuple[AnyPool, RestartingEncoders]:
    """Return the pools of workers and of encoders: local ones, or with an `address`, HOST:PORT of the head of a Ray
    cluster, those of the cluster; `token_file` has the token of the cluster.
    """
    if not address:
        return LocalPool((DEVICE,), (ENGINE,)), LocalEncoders(lambda address: EncoderProcess(address, ENCODER))
    pool = RayPool((DEVICE,), (ENGINE,), address=address, new_process=driver_process(token_file))
    return pool, NodeEncoders(ENCODER, [DEVICE.name], 1, bridge=pool.bridge, node_id=pool.node_id)


async def serve(port: int, pool: AnyPool, encoders: RestartingEncoders) -> None:
    """Run the server of the simulated device on `port`, with the workers of `pool` and with `encoders`, until
    cancelled.
    """
    runner = Runner(RunnerSettings(), pool, encoders)
    await runner.start()
    health = HealthServicer.alike(lambda: None if runner.ready(ENGINE.name) else "no engine is ready")
    runner.readiness.subscribe(health.changed)
    with tempfile.TemporaryDirectory(prefix="melisma-songs-") as folder:
        async with embedded_store(Path(folder), StoreLimits(), file_suffixes()) as store:
            songs = Songs(
                runner, (ENGINE.name,), store, EmbeddedService(store).replica(), checker=LocalChecker((ENGINE,))
            )
            server = build_server(Settings(engines=(f"{ENGINE.name}={ENGINE.factory}",)), MusicServicer(songs), health)
            server.add_insecure_port(f"127.0.0.1:{port}")
            try:
                await server.start()
                await asyncio.Event().wait()
            finally:
                health.close()
                await server.stop(0)
                await runner.stop(0)
                await songs.close()


def main() -> None:
    """Command line: run the server until it is stopped."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, default=50070)
    parser.add_argument("--ray", default="", help="HOST:PORT of the head of a Ray cluster, for a worker there")
    parser.add_argument("--token-file", default="", help="file of that cluster's token")
    options = parser.parse_args()
    asyncio.run(serve(options.port, *pools_of(options.ray, options.token_file)))


if __name__ == "__main__":
    main()
