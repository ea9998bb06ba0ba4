"""Handles the replies of workers: updates the progress of songs, charges device time, and handles failures."""

from collections.abc import Callable

from server.scheduling.device_progress import DeviceProgress
from server.scheduling.failures import FailureHandler
from server.scheduling.placement import Placement
from server.scheduling.retry import FailedAttempt
from server.workers.messages import Done, Failed, Lane, Planned, Prepared, Rendered, Reply, Stepped


class ReplyHandler:
    """Updates songs and devices with the replies of workers. Replies for dropped songs and for earlier attempts at
    songs are ignored.
    """

    def __init__(self, placement: Placement, failures: FailureHandler, clock: Callable[[], float]) -> None:
        self._placement = placement
        self._failures = failures
        self._clock = clock

    def handle(self, device: DeviceProgress, reply: Reply, lane: Lane) -> tuple[FailedAttempt, ...]:
        """Handle the reply to the oldest unanswered command of a lane (command queue); return the attempts at songs
        that the reply reports as failed.
        """
        positions = device.in_flight.acknowledge(lane)
        device.worked.add(self._clock(), _seconds(reply))
        failures: tuple[Failed, ...] = ()
        match reply:
            case Planned():
                self._planned(device, reply)
            case Prepared():
                self._prepared(device, reply)
            case Stepped():
                self._stepped(device, reply)
                failures = reply.failures
            case Rendered():
                self._rendered(device, reply)
            case Failed():
                failures = (reply,)
        shared = len(failures) > 1
        attempts = (self._failures.attempt_failed(device, failure, positions, shared=shared) for failure in failures)
        return tuple(one for one in attempts if one is not None)

    def _planned(self, device: DeviceProgress, reply: Planned) -> None:
        if song := device.find(reply.song):
            song.plan(reply.plan)
            device.charge_alone(song, reply.seconds)

    def _prepared(self, device: DeviceProgress, reply: Prepared) -> None:
        if song := device.find(reply.section.song):
            song.attempt.prepare(reply)
            device.learn_memory(song.engine, reply.memory_bytes)
            device.charge_alone(song, reply.seconds)

    def _stepped(self, device: DeviceProgress, reply: Stepped) -> None:
        """Charge the time of denoising steps to their songs, divided by tokens, and update the songs and the learnt
        costs.
        """
        stepped = [(song, step) for step in reply.sections if (song := device.find(step.section.song))]
        costs = [song.attempt.prepared[step.section.index].cost for song, step in stepped]
        tokens = sum(costs)
        parts = [(song, reply.seconds * cost / tokens) for (song, _), cost in zip(stepped, costs, strict=True)]
        device.charge_step(parts, reply.seconds)
        for song, step in stepped:
            song.stepped(step)
        if costs and len(stepped) == len(reply.sections):
            device.steps.add(tokens, reply.seconds / reply.steps)
            device.sharing.add(tokens, sections=len(costs), songs=len(device.songs))
        device.capacity.learn(len(reply.sections), reply.fits)

    def _rendered(self, device: DeviceProgress, reply: Rendered) -> None:
        song = device.find(reply.section.song)
        if song is None:
            return
        device.charge_alone(song, reply.seconds)
        if reply.samples:
            song.pace.add(reply.windows, reply.seconds, reply.sound_seconds)
            song.add_windows(self._clock(), reply.windows, reply.sound_seconds)
        if reply.last:
            song.finish_section(reply.saved)
            if song.attempt.rendered:
                self._placement.finish(song)


def _seconds(reply: Reply) -> float:
    """Return the device seconds that a reply reports; 0 for a reply without them."""
    return 0.0 if isinstance(reply, Done | Failed) else reply.seconds
