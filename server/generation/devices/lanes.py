"""Keeps the command queues (lanes) of one worker busy: fetches commands from the scheduler, sends them, and forwards
the replies.
"""

import asyncio
from collections import deque
from dataclasses import replace

from server.generation.devices.parts import LaneParts
from server.workers.base import Worker, WorkerDied
from server.workers.messages import Command, Lane, Ping, Plan, Reply

# A device waits about a millisecond for its next command; avoiding this pays only for long steps.
_LEAD_SECONDS, _LONG_STEP_SECONDS = 0.002, 0.01


class LaneLoop:
    """The loop that serves one command queue (lane) of one worker; `run` ends by raising WorkerDied."""

    def __init__(self, device: str, lane: Lane, worker: Worker, parts: LaneParts) -> None:
        self._device = device
        self._lane = lane
        self._worker = worker
        self._parts = parts
        self._scheduler = parts.scheduler
        self._clock = parts.clock
        self._in_flight: deque[Command] = deque()

    async def run(self) -> None:
        """Send commands to the command queue, one at a time, each shortly before the step in progress should end."""
        free_at = self._clock()
        while True:
            if not self._in_flight:
                command = await self._next_command()
                free_at = self._clock()
                self._send(command)
            reply = await self._reply()
            began_at, free_at = free_at, self._clock()
            if not isinstance(self._in_flight.popleft(), Ping):
                self._parts.metrics.devices.busy(self._device, self._lane, free_at - began_at)
            self._parts.results.deliver(self._device, reply)
            self._parts.failures.settle(self._scheduler.done(self._device, reply, self._lane))
            if len(self._worker.lanes) > 1:
                self._parts.wakes.device(self._device)

    async def _next_command(self) -> Command:
        wake = self._parts.wakes.of(self._device, self._lane)
        while not self._worker.exited:
            command = self._scheduler.next_command(self._device, self._lane)
            if command is not None:
                return command
            wake.clear()
            try:
                async with asyncio.timeout(self._parts.ping_seconds):
                    await wake.wait()
            except TimeoutError:
                return Ping()
        raise WorkerDied("the worker process has ended; it is being replaced")

    def _send(self, command: Command) -> None:
        self._in_flight.append(command)
        if isinstance(command, Plan) and (job := self._parts.results.job_of(command.song)):
            job.started()
            command = replace(command, sound_to=job.sound_to)
        self._worker.send(command, self._lane)

    async def _reply(self) -> Reply:
        step_seconds = self._step_seconds()
        if step_seconds is None or step_seconds < _LONG_STEP_SECONDS or len(self._in_flight) > 1:
            return await self._worker.receive(self._lane)
        reply = asyncio.ensure_future(self._worker.receive(self._lane))
        try:
            await asyncio.wait([reply], timeout=step_seconds - _LEAD_SECONDS)
            if not reply.done() and (command := self._scheduler.next_command(self._device, self._lane)):
                self._send(command)
            return await reply
        finally:
            reply.cancel()

    def _step_seconds(self) -> float | None:
        if self._lane is not Lane.DENOISE:
            return None
        return self._scheduler.step_seconds(self._device, self._in_flight[0])
