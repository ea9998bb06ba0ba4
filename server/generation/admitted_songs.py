"""Starts the jobs of admitted songs on this server, and ends what belongs to a job when the job ends."""

import asyncio

from opentelemetry.trace import Tracer

from server.errors import SongDeadlineExceeded
from server.generation.admission.admission import Admission
from server.generation.admission.eta import EtaEstimator
from server.generation.admission.service_eta import SongEta
from server.generation.devices.wakes import Wakes
from server.generation.jobs.job import Job, JobParts
from server.generation.jobs.registry import Jobs
from server.generation.readiness import EngineReadiness
from server.scheduling.scheduler import Scheduler
from server.song import Accepted, SongRequest, SongState
from server.songs.ports import EventSink
from server.telemetry.traces.song_trace import SongTrace


class AdmittedSongs:
    """Enters each admitted song into the parts of the server that make or count songs, and removes it from these parts
    when it has ended.
    """

    def __init__(
        self,
        parts: JobParts,
        *,
        jobs: Jobs,
        scheduler: Scheduler,
        admission: Admission,
        eta: EtaEstimator,
        readiness: EngineReadiness,
        wakes: Wakes,
        tracer: Tracer,
    ) -> None:
        """Set up the start of songs; `parts` are the objects that all jobs share, `tracer` makes the trace spans of
        songs.
        """
        self._parts = parts
        self._jobs = jobs
        self._scheduler = scheduler
        self._admission = admission
        self._eta = eta
        self._readiness = readiness
        self._wakes = wakes
        self._tracer = tracer

    def begin(self, request: SongRequest, accepted: Accepted, sink: EventSink, eta: SongEta | None) -> Job:
        """Start making a song on this server and return its job. Its events go to `sink`, `accepted` first; `eta` is
        its ETA at the time of the check. Raises Draining if the server is shutting down.
        """
        self._admission.require_open()
        trace = SongTrace(self._tracer, accepted.song_id, request.engine)
        key = self._jobs.new_key(accepted.song_id)
        job = Job(request, accepted, sink, self._parts, trace, key=key)
        self._parts.metrics.songs.accepted(request.engine)
        self._enter(job, eta)
        self._scheduler.add(
            job.key,
            request.engine,
            request.params,
            job,
            caller=request.caller,
            usage=job.usage,
            trace=trace.parent,
            work=eta.work if eta else None,
            deadline=request.deadline,
            plan=request.plan,
        )
        self._wakes.all()
        return job

    def _enter(self, job: Job, eta: SongEta | None) -> None:
        self._jobs.add(job)
        self._eta.enter(job, eta)
        job.on_end.callback(self._leave, job)
        self._admission.enter()
        job.on_end.callback(self._admission.leave)
        self._readiness.queue_changed()
        if job.request.deadline is not None:
            error = SongDeadlineExceeded("the deadline passed before the song was complete: allow more time")
            delay_seconds = max(0.0, job.request.deadline - self._parts.clock())
            timer = asyncio.get_running_loop().call_later(delay_seconds, job.fail, error)
            job.on_end.callback(timer.cancel)

    def _leave(self, job: Job) -> None:
        self._scheduler.drop(job.key)
        self._jobs.remove(job)
        complete = job.state is SongState.COMPLETED
        self._eta.leave(job, complete=complete)
        if complete:
            self._admission.measured_song(self._parts.clock() - job.clocks.started_at)
        self._readiness.queue_changed()
        self._wakes.all()
