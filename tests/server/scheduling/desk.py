from collections.abc import Sequence
from typing import Any

from server.estimation.forecast import Work
from server.scheduling.policy import Policy
from server.scheduling.retry import FailedAttempt
from server.scheduling.scheduler import Scheduler
from server.workers.device_spec import DeviceSpec
from server.workers.messages import (
    Command,
    Done,
    Lane,
    Ping,
    Plan,
    Planned,
    Prepare,
    Prepared,
    Release,
    Render,
    Rendered,
    Reply,
    SectionKey,
    SectionStep,
    SongKey,
    Step,
    Stepped,
)
from tests.support.fakes import FakeEngine, FakeOutlet, ManualClock, params

COST = 10
MEMORY_BYTES = 1000
RATE_HERTZ = 100
POLICY = Policy(margin_seconds=0.0, headroom=0.05)
BOTH_LANES = (Lane.DENOISE, Lane.RENDER)


class Desk:
    """The real scheduler with a simulated clock and simulated devices; a device completes a command at once when a test
    asks for it.
    """

    def __init__(
        self, *devices: DeviceSpec, policy: Policy = POLICY, retries: int = 3, encoders: int | None = None
    ) -> None:
        self.clock = ManualClock()
        self.outlets: dict[str, FakeOutlet] = {}
        self.steps: dict[SectionKey, int] = {}
        self.windows: dict[SectionKey, int] = {}
        self.scheduler = Scheduler(
            devices or (device(),),
            policy=policy,
            clock=self.clock,
            weights={"paying": 4.0},
            retries=retries,
            encoders=encoders,
        )

    def add(
        self,
        song_id: str,
        engine: str = "fake",
        caller: str = "",
        work_seconds: float = 1.0,
        sound_seconds: float = 0.0,
        first_seconds: float = 0.0,
        deadline: float | None = None,
        *,
        has_listener: bool = True,
        repeats: bool = False,
    ) -> FakeOutlet:
        """Add a song to the scheduler, and return its outlet. `work_seconds` is the estimated device time of the song,
        of which `first_seconds` come before its first sound; the work after that is spread evenly over `sound_seconds`
        of sound, 0 if the length is not known. The song must be complete at the time `deadline`, if it is given;
        `has_listener` and `repeats` are values of the outlet.
        """
        self.outlets[song_id] = FakeOutlet(has_listener=has_listener, repeats=repeats)
        work = Work(first_seconds, work_seconds - first_seconds, sound_seconds=sound_seconds)
        sink = self.outlets[song_id]
        self.scheduler.add(song_id, engine, params(), sink, caller=caller, work=work, deadline=deadline)
        self.clock.now += 0.001
        return self.outlets[song_id]

    def turn(self, device: str = "cpu", lane: Lane = Lane.BOTH) -> Command | None:
        """Take the next command of a device's lane (command queue), complete it at once, and return it; `None` if there
        is none. Each rendered window has one second of sound.
        """
        command = self.scheduler.next_command(device, lane)
        if command is not None:
            self.finish(command, device, lane)
        return command

    def finish(self, command: Command, device: str = "cpu", lane: Lane = Lane.BOTH) -> tuple[FailedAttempt, ...]:
        return self.scheduler.done(device, self.reply(command), lane)

    def turns(self, count: int, device: str = "cpu", lane: Lane = Lane.BOTH) -> list[Command | None]:
        return [self.turn(device, lane) for _ in range(count)]

    def until(self, wanted: Command, lane: Lane = Lane.BOTH) -> None:
        """Complete commands up to the command `wanted`, which is taken from the scheduler but not completed."""
        for _ in range(100):
            command = self.scheduler.next_command("cpu", lane)
            assert command is not None
            if command == wanted:
                return
            self.finish(command, lane=lane)
        raise AssertionError("it never came")

    def reply(self, command: Command) -> Reply:
        match command:
            case Plan():
                return Planned(command.song, FakeEngine().plan(command.params), RATE_HERTZ, 0.1)
            case Prepare(section):
                return Prepared(section, COST, COST, 2, MEMORY_BYTES, "", 0.1)
            case Step(sections, steps):
                return Stepped(tuple(self._steps(one, steps) for one in sections), (), 0.1, steps=steps)
            case Render(section):
                return self._window(section)
            case Release() | Ping():
                return Done()

    def _steps(self, section: SectionKey, steps: int) -> SectionStep:
        self.steps[section] = step = self.steps.get(section, 0) + steps
        return SectionStep(section, step, 2, f"finished {section.index}".encode() if step == 2 else b"")

    def _window(self, section: SectionKey) -> Rendered:
        self.windows[section] = count = self.windows.get(section, 0) + 1
        samples = RATE_HERTZ if count <= 2 else 0
        return Rendered(section, samples, RATE_HERTZ, samples == 0, 0.1, b"" if samples else b"saved")


def device(name: str = "cpu", **changes: Any) -> DeviceSpec:
    return DeviceSpec(name, "cpu", **{"running_songs": 8, **changes})


def opened(*, retries: int = 3, policy: Policy = POLICY, encoders: int | None = None, **changes: Any) -> Desk:
    desk = Desk(device("cpu", **changes), policy=policy, retries=retries, encoders=encoders)
    desk.scheduler.open("cpu", ["fake"])
    return desk


def section(song_id: str, index: int = 0, attempt: int = 0) -> SectionKey:
    return SectionKey(SongKey(song_id, attempt), index)


def plan(song_id: str) -> Plan:
    return Plan(SongKey(song_id), "fake", params())


def kinds(commands: Sequence[Command | None]) -> list[type]:
    return [type(command) for command in commands]
