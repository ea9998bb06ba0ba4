"""Engines for tests of a worker that loads several engines."""

import threading

from tests.support.fakes import FakeEngine

_TIMEOUT_SECONDS = 10.0
_meeting = threading.Barrier(2, timeout=_TIMEOUT_SECONDS)


class MeetingEngine(FakeEngine):
    """An engine that finishes loading only while another engine of this module is being loaded."""

    @classmethod
    def load(cls, device: str) -> "MeetingEngine":
        _meeting.wait()
        return cls()


class FailingEngine(FakeEngine):
    """An engine that fails to load, with a programming error, while another engine is being loaded."""

    @classmethod
    def load(cls, device: str) -> "FailingEngine":
        _meeting.wait()
        raise ValueError("a bug")


class BrokenEngine(FakeEngine):
    """An engine that finds its device broken while another engine is being loaded."""

    @classmethod
    def load(cls, device: str) -> "BrokenEngine":
        _meeting.wait()
        raise RuntimeError("CUDA error: an illegal memory access was encountered")


class GreedyEngine(FakeEngine):
    """An engine that always lacks memory when it is loaded."""

    @classmethod
    def load(cls, device: str) -> "GreedyEngine":
        raise MemoryError("it takes more than there is")
