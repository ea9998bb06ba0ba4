"""Keeps the command queues (lanes) of one worker busy: fetches commands from the scheduler, sends them, and forwards
the replies.
"""

import asyncio
from collections import deque
from dataclasses import replace
from typing import Any

from server.generation.devices.pacing import DistantPacing, NearPacing, Pacing
from server.generation.devices.parts import LaneParts
from server.workers.base import Worker, WorkerDied
from server.workers.messages import Command, Lane, Ping, Plan, Reply


class LaneLoop:
    """Loop that serves one command queue (lane) of one worker; `run` ends by raising WorkerDied."""

    def __init__(self, device: str, lane: Lane, worker: Worker, parts: LaneParts) -> None:
        self._device = device
        self._lane = lane
        self._worker = worker
        self._parts = parts
        self._scheduler = parts.scheduler
        self._clock = parts.clock
        self._pacing: Pacing = DistantPacing(parts.clock) if worker.distant else NearPacing()
        self._in_flight: deque[Command] = deque()

    async def run(self) -> None:
        """Send commands to the lane (command queue of the worker) and deliver their replies, until the worker has died.

        The next command is sent after the reply to the previous command or, if `Pacing` says so, already before that
        reply.

        Raises:
            WorkerDied: the worker has ended.
        """
        free_at = self._clock()
        while True:
            if not self._in_flight:
                command = await self._next_command()
                free_at = self._clock()
                self._send(command)
            reply = await self._reply()
            self._pacing.replied(reply)
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
        raise WorkerDied(f"the worker process of device {self._device} has ended and is being replaced")

    def _send(self, command: Command) -> None:
        self._in_flight.append(command)
        if isinstance(command, Plan) and (job := self._parts.results.job_of(command.song)):
            job.started()
            command = replace(command, sound_to=job.sound_to(self._device))
        self._worker.send(command, self._lane)
        self._pacing.sent(command, self._step_seconds(command))

    async def _reply(self) -> Reply:
        """Wait for the next reply of the worker and return it; meanwhile send further commands as soon as they are
        due.
        """
        if self._pacing.due_in() is None:
            return await self._worker.receive(self._lane)
        reply = asyncio.ensure_future(self._worker.receive(self._lane))
        try:
            while not reply.done() and (seconds := self._pacing.due_in()) is not None:
                if seconds:
                    await asyncio.wait([reply], timeout=seconds)
                if not reply.done() and not await self._send_ahead(reply):
                    break
            return await reply
        finally:
            reply.cancel()

    async def _send_ahead(self, reply: asyncio.Future[Any]) -> bool:
        """Send the next command before the reply to the present one, and return True if further commands may be sent.

        If the scheduler has no command, a distant worker waits until there may be one, or until the reply arrives; a
        worker on this computer returns False.
        """
        if command := self._scheduler.next_command(self._device, self._lane):
            self._send(command)
            return True
        if not self._worker.distant:
            return False
        wake = self._parts.wakes.of(self._device, self._lane)
        wake.clear()
        woken: asyncio.Future[Any] = asyncio.ensure_future(wake.wait())
        try:
            await asyncio.wait([reply, woken], return_when=asyncio.FIRST_COMPLETED)
        finally:
            woken.cancel()
        return not reply.done()

    def _step_seconds(self, command: Command) -> float | None:
        return self._scheduler.step_seconds(self._device, command) if self._lane is Lane.DENOISE else None
