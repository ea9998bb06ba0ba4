"""The state of one song in the scheduler: its identity, the present attempt to make it, its listener and its device
time.
"""

from dataclasses import dataclass, field
from typing import Protocol

from model.song import SongParams, SongPlan
from server.estimation.forecast import Work
from server.scheduling.attempt import Attempt
from server.scheduling.capacity.window_pace import WINDOWS, WindowPace
from server.scheduling.device_usage import SongAccount
from server.scheduling.policy import Urgency
from server.scheduling.retry import AttemptHistory
from server.workers.messages import SectionStep, SongKey


class Sink(Protocol):
    """Protocol of a song's output, from which the scheduler reads the fill level of the buffer and the presence of a
    listener.
    """

    @property
    def full(self) -> bool:
        """True if the buffer for the song's sound is full, so that no more sound is needed now."""

    @property
    def has_listener(self) -> bool:
        """True while the song has a listener or a listener may come back; False for a song that is made for later."""

    @property
    def unsent_seconds(self) -> float:
        """Seconds of the song's sound that the listener has not received yet."""

    @property
    def repeats(self) -> bool:
        """True while the song's new sound is sound that its listener already got from another server."""


@dataclass(frozen=True, slots=True)
class SongSpec:
    """The identity of a song, which never changes. `trace` (the W3C `traceparent` of the song's call, for spans) and
    `plan` (the pickled plan of the song, empty if not made yet) are sent to its worker.

    `arrived_at` is the time of the song's arrival, and `deadline` the time by which it must be complete (`None`: no
    deadline). `work` is the expected device time, `None` if unknown.
    """

    song_id: str
    engine: str
    params: SongParams
    caller: str
    arrived_at: float
    trace: str = ""
    work: Work | None = None
    deadline: float | None = None
    plan: bytes = b""


@dataclass(slots=True)
class PlaybackEstimate:
    """Estimates the time at which a listener who started with the first window of sound has played all available sound.

    `sound_seconds` of sound were rendered in all attempts, without repetitions. `boundary_seconds` of this sound
    precede the last section boundary.
    """

    sink: Sink
    started_at: float | None = None
    sound_seconds: float = 0.0
    boundary_seconds: float = 0.0

    def runs_out_at(self, now: float) -> float | None:
        """Return the time at which a listener who started with the first window has played all available sound; `None`
        before the first window.

        If the song repeats sound that its listener got from another server, the time is `now`.
        """
        if self.sink.repeats:
            return now
        if self.started_at is None:
            return None
        heard, sent = self.started_at + self.sound_seconds, now + self.sink.unsent_seconds
        return max(heard, sent)

    def advance(self, now: float, section_seconds: float) -> None:
        """Record that a window of sound was rendered; the present section then has `section_seconds` of sound.

        A listener who had run out of sound continues with this window.
        """
        runs_out_at = self.runs_out_at(now)
        if self.started_at is None or runs_out_at is None:
            self.started_at = now
        elif runs_out_at < now:
            self.started_at += now - runs_out_at
        self.sound_seconds = max(self.sound_seconds, self.boundary_seconds + section_seconds)
        if self.sink.repeats:
            self.started_at = now - self.sound_seconds

    def rewind(self) -> None:
        """Record that the song starts again from its beginning."""
        self.boundary_seconds = 0.0

    def finish_section(self) -> None:
        """Record that the present section is complete, so that the next window of sound belongs to the next section."""
        self.boundary_seconds = self.sound_seconds


@dataclass(slots=True)
class ScheduledSong:
    """The state of a song from its arrival to its end. `device` is the device on which it has a slot; `None` while it
    waits.

    `section_seconds` are the lengths of the sections: planned, shortened once a section has ended early, and actual
    once a section is rendered. `planned_seconds` is the planned length of the song. `pace` holds the mean time that the
    song's engine needs on this device to render one window of sound.
    """

    spec: SongSpec
    sink: Sink
    account: SongAccount
    attempt: Attempt = field(init=False)
    playback: PlaybackEstimate = field(init=False)
    history: AttemptHistory = field(default_factory=AttemptHistory)
    device: str | None = None
    section_seconds: list[float] = field(default_factory=list)
    planned_seconds: float | None = None
    placed_at: float | None = None
    pace: WindowPace = field(default_factory=WindowPace)

    def __post_init__(self) -> None:
        self.attempt = Attempt(SongKey(self.spec.song_id))
        self.playback = PlaybackEstimate(self.sink)

    @property
    def song_id(self) -> str:
        """The id of the song."""
        return self.spec.song_id

    @property
    def length_seconds(self) -> float | None:
        """Length of the song in seconds, by its plan and the sections made so far; `None` before the plan."""
        return sum(self.section_seconds) if self.section_seconds else None

    @property
    def length_share(self) -> float:
        """Length of the song divided by its planned length: less than 1 if the song ends early."""
        return (self.length_seconds or 0.0) / self.planned_seconds if self.planned_seconds else 1.0

    @property
    def engine(self) -> str:
        """Name of the engine that makes the song."""
        return self.spec.engine

    @property
    def caller(self) -> str:
        """Name of the caller who requested the song."""
        return self.spec.caller

    @property
    def arrived_at(self) -> float:
        """Time of the song's arrival, in seconds of the monotonic clock."""
        return self.spec.arrived_at

    @property
    def has_listener(self) -> bool:
        """True if the song has a listener, or a listener may come back."""
        return self.sink.has_listener

    @property
    def resumed(self) -> bool:
        """True if an earlier attempt at the song has failed, on this server or on another one."""
        return self.attempt.key.attempt > 0 or self.sink.repeats

    @property
    def untouched(self) -> bool:
        """True if no command for the song has been sent yet."""
        return self.attempt.key.attempt == 0 and self.device is None and not self.attempt.planned

    def urgency(self, now: float, share_lead: float) -> Urgency:
        """Return the values by which the song is ranked at the time `now`; `share_lead` is the device time, in seconds
        per weight, that its caller has used more than the least served caller.

        If the song repeats sound from another server, its listener counts as without sound since the song's arrival. A
        deadline of the whole song counts if it is more urgent than playback.
        """
        spec = self.spec
        due_at = spec.arrived_at if self.sink.repeats else self.playback.runs_out_at(now)
        if due_at is not None and spec.deadline is not None:
            due_at = min(due_at, spec.deadline - self.account.left_seconds)
        return Urgency(spec.song_id, spec.arrived_at, due_at, share_lead, self.sink.has_listener, self.placed_at)

    @property
    def windows_due(self) -> int:
        """The number of windows of sound that the next command should render. It is 1 for the first window of the song,
        because a listener waits for it, and for an isolated song.
        """
        if self.playback.started_at is None or self.history.isolated:
            return 1
        group = self.attempt.window_group + WINDOWS - self.attempt.windows
        return min(group, self.pace.windows)

    def add_windows(self, now: float, windows: int, seconds: float) -> None:
        """Record that `windows` windows of sound, with `seconds` of sound in total, were rendered."""
        self.account.usage.note_first_audio()
        self.attempt.add_windows(windows, seconds)
        self.playback.advance(now, self.attempt.section_seconds)

    def plan(self, plan: SongPlan) -> None:
        """Record the plan of the song, which is the same in every attempt; the lengths of rendered sections are
        kept.
        """
        self.attempt.plan(len(plan.sections))
        known = self.section_seconds[: self.attempt.rendering]
        planned = plan.sections[len(known) : self.attempt.sections]
        self.section_seconds = [*known, *(section.duration_seconds for section in planned)]
        self.planned_seconds = plan.duration_seconds

    def stepped(self, step: SectionStep) -> None:
        """Record denoising steps of a section. If the section ends early, its expected length shrinks in proportion to
        its steps.
        """
        index, expected = step.section.index, self.attempt.prepared[step.section.index].steps
        if step.steps < expected:
            self.section_seconds[index] *= step.steps / expected
        self.attempt.stepped(step)
        if step.ends_song:
            del self.section_seconds[index + 1 :]

    def finish_section(self, saved: bytes) -> None:
        """Record that the present section is completely rendered. Another attempt at the song would start after this
        section, with the engine's state `saved`.
        """
        self.section_seconds[self.attempt.rendering] = self.attempt.section_seconds
        self.history.section_done(self.attempt.rendering)
        self.attempt.finish_section(saved)
        self.playback.finish_section()

    def restart(self) -> None:
        """Start a new attempt at the song from the last section boundary."""
        self.attempt = self.attempt.next_attempt()

    def restart_whole(self) -> None:
        """Start a new attempt at the song from its beginning."""
        self.attempt = self.attempt.whole_attempt()
        self.playback.rewind()
