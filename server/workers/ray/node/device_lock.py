"""Locks one device of one computer for the process of its worker, by a file lock of the kernel, until that process has
ended.

A frozen process keeps it, a killed one loses it with its memory of the device. So a device never has two workers,
whatever the cluster believes.
"""

import fcntl
import os
import re
import signal
import tempfile
import time
from contextlib import suppress
from pathlib import Path

_POLL_SECONDS = 0.02


class DeviceBusy(Exception):
    """Another process holds the device and has not ended in time."""


class DeviceLock:
    """The lock of the device named `slot`: a file in `folder`."""

    def __init__(self, slot: str, folder: Path | None = None) -> None:
        name = re.sub(r"[^A-Za-z0-9_.-]", "_", slot)
        self._file = (folder or Path(tempfile.gettempdir())) / f"melisma-device-{os.getuid()}-{name}.lock"
        self._slot = slot
        self._descriptor: int | None = None

    def acquire(self, timeout_seconds: float) -> None:
        """Take the lock for this process, which keeps it until it ends or calls `release`.

        Raises:
            DeviceBusy: another process still has it after `timeout_seconds`.
        """
        descriptor = self._open()
        if not _locked(descriptor, timeout_seconds):
            os.close(descriptor)
            raise DeviceBusy(
                f"process {self.holder()} still uses the device {self._slot!r}: end it, or restart the computer if it "
                "is stuck in the driver"
            )
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, str(os.getpid()).encode(), 0)
        self._descriptor = descriptor

    def release(self) -> None:
        """Release the lock, so that another process can use the device."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def holder(self) -> int | None:
        """Return the id of the process that took the lock last."""
        with suppress(OSError, ValueError):
            return int(self._file.read_text("ascii"))
        return None

    def free(self, timeout_seconds: float) -> bool:
        """Kill the process that holds the lock, if any; returns True once no process holds it."""
        descriptor = self._open()
        try:
            if _locked(descriptor, 0.0):
                return True
            if (holder := self.holder()) is not None and holder != os.getpid() and self._is_open_in(holder):
                with suppress(ProcessLookupError):
                    os.kill(holder, signal.SIGKILL)
            return _locked(descriptor, timeout_seconds)
        finally:
            os.close(descriptor)

    def _is_open_in(self, pid: int) -> bool:
        """Return True if a process has the file open. The id alone is not enough, because ids of ended processes are
        used again.
        """
        with suppress(OSError):
            return any(_same(link, self._file) for link in Path(f"/proc/{pid}/fd").iterdir())
        return False

    def _open(self) -> int:
        return os.open(self._file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)


def _locked(descriptor: int, timeout_seconds: float) -> bool:
    """Try to lock an open file until `timeout_seconds` have passed."""
    deadline = time.monotonic() + timeout_seconds
    while True:
        with suppress(BlockingIOError):
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        if time.monotonic() >= deadline:
            return False
        time.sleep(_POLL_SECONDS)


def _same(link: Path, file: Path) -> bool:
    with suppress(OSError):
        return link.samefile(file)
    return False
