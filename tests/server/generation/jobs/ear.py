"""A job of one song, with a stand-in for its worker, an encoder and a listener, for tests."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from functools import partial

import numpy as np
from prometheus_client import CollectorRegistry

from model.song import SectionScore
from server.background import in_background
from server.encoders.local_pool import LocalEncoders
from server.generation.encoding import EncodedSound
from server.generation.jobs.job import Job, JobParts
from server.generation.jobs.registry import Jobs
from server.scheduling.policy import Policy
from server.scheduling.scheduler import Scheduler
from server.song import (
    Accepted,
    AudioSettings,
    Origin,
    SongRequest,
    SongState,
)
from server.telemetry.metrics import Metrics
from server.telemetry.traces.song_trace import SongTrace
from server.telemetry.traces.tracing import NO_TRACER
from server.workers.messages import Planned as PlanMade
from server.workers.messages import Rendered, SectionKey, SectionStep, SongKey
from server.workers.sound.links import EncoderLinks
from server.workers.sound.messages import OpenSong, Sound
from tests.support.encoders.in_process import in_process_encoders
from tests.support.fakes import RATE_HERTZ, FakeEncoder, FakeEngine, ManualClock, params
from tests.support.sinks import ReadSink

REQUEST = SongRequest(
    "request", "fake", params("happy", duration_seconds=2.0), AudioSettings(sample_rate_hertz=RATE_HERTZ)
)
SECTION = SectionKey(SongKey("song"), 0)
SCORE = SectionScore()


class Ear:
    """A real job of the server: the test sends the messages of its worker, and reads the song's events from the sink of
    its listener.
    """

    def __init__(self, encoders: LocalEncoders, links: EncoderLinks, buffer_bytes: int, sink: ReadSink) -> None:
        self.clock = ManualClock()
        self.registry = CollectorRegistry()
        self.rooms: list[str] = []
        self.ends: list[SongState] = []
        self.sink = sink
        self.links = links
        metrics = Metrics(self.registry, engines=("fake",), devices=())
        parts = JobParts(
            encoders=encoders,
            stream_buffer_bytes=buffer_bytes,
            clock=self.clock,
            on_room=partial(self.rooms.append, "room"),
            metrics=metrics,
        )
        trace = SongTrace(NO_TRACER, "song", "fake")
        self.job = Job(REQUEST, Accepted("song", 0, None), self.sink, parts, trace)
        self.job.on_end.callback(self._note_end)

    def _note_end(self) -> None:
        self.ends.append(self.job.state)

    def plan(self) -> None:
        made = FakeEngine().plan(REQUEST.params)
        self.job.started()
        target = self.job.sound_to("cpu")
        assert target is not None
        prompt, audio = REQUEST.params.prompt, target.audio
        self.links.open(target, OpenSong(SECTION.song, audio, prompt, "", made, RATE_HERTZ, Origin("0f")))
        self.job.planned(PlanMade(SECTION.song, made, RATE_HERTZ, 0.1))
        self.job.stepped(SectionStep(SECTION, 1, 1), 0.25)

    def render(self, seconds: float = 1.0, last: bool = False, score: SectionScore | None = SCORE) -> None:
        sound = np.zeros((2, round(seconds * RATE_HERTZ)), np.float32)
        self.links.send(Sound(SECTION, sound.tobytes(), sound.shape[1], last, score, ends_song=last))
        self.job.rendered(Rendered(SECTION, sound.shape[1], RATE_HERTZ, last, 0.5, ends_song=last))


@asynccontextmanager
async def listening(
    encoder: type[FakeEncoder] = FakeEncoder, buffer_bytes: int = 1 << 20, sink: ReadSink | None = None
) -> AsyncIterator[Ear]:
    encoders, jobs = in_process_encoders(encoder), Jobs()
    scheduler = Scheduler((), policy=Policy(), clock=ManualClock())
    unread = Metrics(CollectorRegistry(), engines=("fake",), devices=())
    observer = EncodedSound(
        encoders, jobs=jobs, scheduler=scheduler, metrics=unread, wake=lambda: None, readiness_changed=lambda: None
    )
    with closing(EncoderLinks()) as links:
        async with in_background(encoders.run(observer)):
            await encoders.settled()
            ear = Ear(encoders, links, buffer_bytes, sink or ReadSink())
            jobs.add(ear.job)
            ear.job.on_end.callback(jobs.remove, ear.job)
            try:
                yield ear
            finally:
                ear.job.cancel()
