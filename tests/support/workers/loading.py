"""Engines that show how a worker loads several of them."""

import threading

from tests.support.fakes import FakeEngine

_TIMEOUT_SECONDS = 10.0
_meeting = threading.Barrier(2, timeout=_TIMEOUT_SECONDS)


class MeetingEngine(FakeEngine):
    """Is loaded only while another engine of this module is being loaded."""

    @classmethod
    def load(cls, device: str) -> "MeetingEngine":
        _meeting.wait()
        return cls()


class FailingEngine(FakeEngine):
    """Fails while another one is being loaded."""

    @classmethod
    def load(cls, device: str) -> "FailingEngine":
        _meeting.wait()
        raise ValueError("a bug")


class BrokenEngine(FakeEngine):
    """Finds the device broken while another one is being loaded."""

    @classmethod
    def load(cls, device: str) -> "BrokenEngine":
        _meeting.wait()
        raise RuntimeError("CUDA error: an illegal memory access was encountered")


class GreedyEngine(FakeEngine):
    """Lacks memory, alone as well as beside others."""

    @classmethod
    def load(cls, device: str) -> "GreedyEngine":
        raise MemoryError("it takes more than there is")
