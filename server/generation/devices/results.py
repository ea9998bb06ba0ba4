"""Routes the replies of workers to the jobs of their songs."""

from collections.abc import Iterable

from server.generation.jobs.job import Job
from server.generation.jobs.registry import Jobs
from server.scheduling.scheduler import Scheduler
from server.telemetry.metrics import Metrics
from server.workers.device_spec import DeviceSpec
from server.workers.messages import Done, Planned, Prepared, Rendered, Reply, SongKey, Stepped

_WORK = (Planned, Prepared, Stepped, Rendered)


class Results:
    """Passes the replies of workers to the jobs of songs, and records the devices' work in the metrics."""

    def __init__(self, jobs: Jobs, scheduler: Scheduler, metrics: Metrics, devices: Iterable[DeviceSpec]) -> None:
        self._jobs = jobs
        self._scheduler = scheduler
        self._metrics = metrics
        self._batch_tokens = {spec.name: spec.batch_tokens for spec in devices}

    def job_of(self, key: SongKey) -> Job | None:
        """Return the job of the song that a reply is about; `None` if the song has ended, or if the reply belongs to an
        earlier attempt at the song.
        """
        return self._jobs.get(key.song_id) if self._scheduler.is_current(key) else None

    def deliver(self, device: str, reply: Reply) -> None:
        """Pass a reply of a device's worker to the job of its song, and record the work in metrics and traces."""
        self._measure(device, reply)
        self._link(reply)
        for span in reply.spans if isinstance(reply, _WORK) else ():
            if job := self.job_of(span.song):
                job.trace.worked(span, device)
        match reply:
            case Planned():
                if job := self.job_of(reply.song):
                    job.planned(reply)
            case Stepped():
                for step in reply.sections:
                    if job := self.job_of(step.section.song):
                        job.stepped(step, reply.seconds)
            case Rendered():
                if job := self.job_of(reply.section.song):
                    job.rendered(reply)

    def _link(self, reply: Reply) -> None:
        """Link the trace spans of songs whose sections shared the denoising steps of a reply."""
        if not isinstance(reply, Stepped) or len(reply.sections) < 2:
            return
        found = [(step.section.index, job) for step in reply.sections if (job := self.job_of(step.section.song))]
        traces = list(dict.fromkeys(job.trace for _, job in found))
        for index, job in found:
            job.trace.shared_step(index, traces)

    def _measure(self, device: str, reply: Reply) -> None:
        if isinstance(reply, Rendered | Done) and reply.memory is not None:
            self._metrics.devices.memory(device, reply.memory)
        match reply:
            case Stepped(sections=(first, *_)) if job := self.job_of(first.section.song):
                self._metrics.devices.steps(
                    device,
                    job.request.engine,
                    steps=reply.steps,
                    sections=len(reply.sections),
                    tokens=reply.tokens,
                    budget_tokens=self._batch_tokens[device],
                    seconds=reply.seconds,
                )
            case Rendered() if job := self.job_of(reply.section.song):
                engine = job.request.engine
                self._metrics.devices.render(
                    device,
                    engine,
                    windows=reply.windows,
                    seconds=reply.seconds,
                    sound_seconds=reply.sound_seconds,
                )
