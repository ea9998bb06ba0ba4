"""The protocol of a worker, in terms of messages only."""

from typing import Protocol

from server.workers.messages import Command, Lane, Reply


class WorkerDied(Exception):
    """A worker has ended, or was ended because it did not answer in time; the text says which."""


class Worker(Protocol):
    """One loaded worker. Each lane answers its commands in the order in which they were sent."""

    @property
    def lanes(self) -> tuple[Lane, ...]:
        """The queues of the worker."""

    @property
    def exited(self) -> bool:
        """True once the worker has ended by itself or for want of an answer."""

    def send(self, command: Command, lane: Lane) -> None:
        """Hand a command to a lane without waiting. A worker that has ended is noticed by `receive`."""

    async def receive(self, lane: Lane) -> Reply:
        """Wait for the next reply of a lane.

        Raises:
            WorkerDied: the worker ended before, or did not answer in time.
        """
