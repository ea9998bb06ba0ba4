"""One song in the scheduler: its identity, its present attempt, its listener and its device time."""

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
    """Protocol of the destination of a song's sound, as the scheduler uses it."""

    @property
    def full(self) -> bool:
        """True if the buffer is full, so that more sound is not needed now."""

    @property
    def has_listener(self) -> bool:
        """True while the song has a listener or a listener may come back; False for a song that is made for later."""

    @property
    def unsent_seconds(self) -> float:
        """Seconds of sound that the listener cannot have played yet."""

    @property
    def repeats(self) -> bool:
        """True while the song only repeats sound that its listener already got from another server."""


@dataclass(frozen=True, slots=True)
class SongSpec:
    """The identity of a song, which never changes. `trace` and `plan` go to its worker.

    The song arrived at the time `arrived_at`. `work` is the expected device time, `None` if unknown. The song must be
    complete at the time `deadline`; `None`: no deadline.
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
    """Estimates when a listener who started with the first window has played all available sound.

    `sound_seconds` were rendered in all attempts, without repetitions, of which `boundary_seconds` precede the last
    section boundary.
    """

    sink: Sink
    started_at: float | None = None
    sound_seconds: float = 0.0
    boundary_seconds: float = 0.0

    def runs_out_at(self, now: float) -> float | None:
        """Return the moment at which a listener who started with the first window runs out of sound; `None` before that
        window.

        If the listener has already heard all that sound, the moment is `now`.
        """
        if self.sink.repeats:
            return now
        if self.started_at is None:
            return None
        heard, sent = self.started_at + self.sound_seconds, now + self.sink.unsent_seconds
        return max(heard, sent)

    def advance(self, now: float, section_seconds: float) -> None:
        """Add a window, after which the present section has `section_seconds` of sound.

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
        """Record that the song starts again: the next window is its first one."""
        self.boundary_seconds = 0.0

    def finish_section(self) -> None:
        """Record that the present section is complete: the next window belongs to another one."""
        self.boundary_seconds = self.sound_seconds


@dataclass(slots=True)
class ScheduledSong:
    """A song from its arrival to its end. `device` is the device on which it has a slot; `None` while it waits.

    `section_seconds` are the lengths of the sections: as planned, as expected once a section has ended early, and as
    they are once it is rendered. `planned_seconds` is the length of the planned song. `pace` holds the mean time that
    the song's engine needs on this device to render one window.
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
        """The length of the song as far as it is known; `None` before the plan."""
        return sum(self.section_seconds) if self.section_seconds else None

    @property
    def length_share(self) -> float:
        """The length of the song divided by its planned length, less than 1 if it ends early."""
        return (self.length_seconds or 0.0) / self.planned_seconds if self.planned_seconds else 1.0

    @property
    def engine(self) -> str:
        """The engine that makes the song."""
        return self.spec.engine

    @property
    def caller(self) -> str:
        """The caller who requested the song."""
        return self.spec.caller

    @property
    def arrived_at(self) -> float:
        """The time at which the song arrived."""
        return self.spec.arrived_at

    @property
    def has_listener(self) -> bool:
        """True if the song has a listener, or one may come back."""
        return self.sink.has_listener

    @property
    def resumed(self) -> bool:
        """True if an attempt has failed, here or on another server."""
        return self.attempt.key.attempt > 0 or self.sink.repeats

    @property
    def untouched(self) -> bool:
        """True if no command for the song has been sent yet."""
        return self.attempt.key.attempt == 0 and self.device is None and not self.attempt.planned

    def urgency(self, now: float, share_lead: float) -> Urgency:
        """Return the values by which the song is ranked. A listener who came from another server has had no sound
        since.
        """
        spec = self.spec
        due_at = spec.arrived_at if self.sink.repeats else self.playback.runs_out_at(now)
        if due_at is not None and spec.deadline is not None:
            due_at = min(due_at, spec.deadline - self.account.left_seconds)
        return Urgency(spec.song_id, spec.arrived_at, due_at, share_lead, self.sink.has_listener, self.placed_at)

    @property
    def windows_due(self) -> int:
        """The number of windows to render with the next command: only one for the first window of the song, because a
        listener waits for it.
        """
        if self.playback.started_at is None or self.history.isolated:
            return 1
        group = self.attempt.window_group + WINDOWS - self.attempt.windows
        return min(group, self.pace.windows)

    def add_windows(self, now: float, windows: int, seconds: float) -> None:
        """Record rendered windows with `seconds` of sound."""
        self.account.usage.note_first_audio()
        self.attempt.add_windows(windows, seconds)
        self.playback.advance(now, self.attempt.section_seconds)

    def plan(self, plan: SongPlan) -> None:
        """Record the plan, which is the same in every attempt; the lengths of rendered sections are kept."""
        self.attempt.plan(len(plan.sections))
        known = self.section_seconds[: self.attempt.rendering]
        planned = plan.sections[len(known) : self.attempt.sections]
        self.section_seconds = [*known, *(section.duration_seconds for section in planned)]
        self.planned_seconds = plan.duration_seconds

    def stepped(self, step: SectionStep) -> None:
        """Record steps of a section. If it ends early, it is expected to be shorter in proportion to its steps."""
        index, expected = step.section.index, self.attempt.prepared[step.section.index].steps
        if step.steps < expected:
            self.section_seconds[index] *= step.steps / expected
        self.attempt.stepped(step)
        if step.ends_song:
            del self.section_seconds[index + 1 :]

    def finish_section(self, saved: bytes) -> None:
        """Record that a section is rendered completely. Another attempt starts after it, with the `saved` state."""
        self.section_seconds[self.attempt.rendering] = self.attempt.section_seconds
        self.history.section_done(self.attempt.rendering)
        self.attempt.finish_section(saved)
        self.playback.finish_section()

    def restart(self) -> None:
        """Start a new attempt at the last section boundary."""
        self.attempt = self.attempt.next_attempt()

    def restart_whole(self) -> None:
        """Start a new attempt at the beginning of the song."""
        self.attempt = self.attempt.whole_attempt()
        self.playback.rewind()
