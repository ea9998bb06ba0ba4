"""Locks one device of a computer for the process of its worker, by a file lock of the kernel, until that process has
ended.

A frozen process keeps the lock. A killed process loses it when the kernel has freed the process's memory of the device.
So a device never has two workers, regardless of the state that the cluster assumes.

Only the process that holds the lock removes the lock file. A process that then gets the lock of the removed file sees
that the file's name is missing or belongs to another file, and opens that file.
"""

import fcntl
import os
import re
import signal
import tempfile
import time
from contextlib import suppress
from pathlib import Path

_PATTERN = "melisma-device-{user}-{name}.lock"
_POLL_SECONDS = 0.02


class DeviceBusy(Exception):
    """Another process uses the device and has not ended in time."""


def default_folder() -> Path:
    """Return the folder of the lock files of this computer. It is emptied at the latest when the system restarts."""
    return Path(tempfile.gettempdir())


def remove_unused(folder: Path | None = None) -> None:
    """Remove the lock files that killed processes of this user have left behind."""
    for file in (folder or default_folder()).glob(_PATTERN.format(user=os.getuid(), name="*")):
        with suppress(OSError):
            _remove(file, _locked_now(file))


class DeviceLock:
    """An exclusive lock of the device named `slot`: a lock file in `folder`, locked by the process that uses the
    device.
    """

    def __init__(self, slot: str, folder: Path | None = None) -> None:
        name = re.sub(r"[^A-Za-z0-9_.-]", "_", slot)
        self._file = (folder or default_folder()) / _PATTERN.format(user=os.getuid(), name=name)
        self._slot = slot
        self._descriptor: int | None = None

    def acquire(self, timeout_seconds: float) -> None:
        """Lock the device for this process, until the process ends or calls `release`.

        Raises:
            DeviceBusy: another process still has the lock after `timeout_seconds`.
        """
        descriptor = _locked(self._file, timeout_seconds)
        if descriptor is None:
            raise DeviceBusy(
                f"process {self.holder()} still uses the device {self._slot!r}: end it, or restart the computer if it "
                "is stuck in the device driver"
            )
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, str(os.getpid()).encode(), 0)
        self._descriptor = descriptor

    def release(self) -> None:
        """Release the lock of the device and remove the lock file."""
        descriptor, self._descriptor = self._descriptor, None
        _remove(self._file, descriptor)

    def holder(self) -> int | None:
        """Return the id of the process that has locked the device last; `None` if it cannot be read."""
        with suppress(OSError, ValueError):
            return int(self._file.read_text("ascii"))
        return None

    def free(self, timeout_seconds: float) -> bool:
        """Kill the process that holds the lock of the device, if any, and remove the lock file; return True once no
        process holds the lock, False if one still does after `timeout_seconds`.
        """
        descriptor = _locked(self._file, 0.0)
        if descriptor is None:
            if (holder := self.holder()) is not None and holder != os.getpid() and self._is_open_in(holder):
                with suppress(ProcessLookupError):
                    os.kill(holder, signal.SIGKILL)
            descriptor = _locked(self._file, timeout_seconds)
        _remove(self._file, descriptor)
        return descriptor is not None

    def _is_open_in(self, pid: int) -> bool:
        """Return True if a process has the lock file open. The process id in the file is not enough, because ids of
        ended processes are used again.
        """
        with suppress(OSError):
            return any(_same(link, self._file) for link in Path(f"/proc/{pid}/fd").iterdir())
        return False


def _locked(file: Path, timeout_seconds: float) -> int | None:
    """Open and lock a file, created if necessary, and return its descriptor; `None` if another process still has the
    lock after `timeout_seconds`.
    """
    deadline = time.monotonic() + timeout_seconds
    while (descriptor := _locked_now(file)) is None:
        if time.monotonic() >= deadline:
            return None
        time.sleep(_POLL_SECONDS)
    return descriptor


def _locked_now(file: Path) -> int | None:
    """Open and lock a file, created if necessary, and return its descriptor; `None` if another process has the lock."""
    while True:
        descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if _is_named(descriptor, file):
                return descriptor
        except BlockingIOError:
            os.close(descriptor)
            return None
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)


def _is_named(descriptor: int, file: Path) -> bool:
    """Return True if the open file still has the name `file`, because it was not removed since."""
    with suppress(FileNotFoundError):
        return os.path.samestat(os.fstat(descriptor), file.lstat())
    return False


def _remove(file: Path, descriptor: int | None) -> None:
    """Remove a lock file whose lock this process holds, and release the lock by closing `descriptor`; no effect without
    one.
    """
    if descriptor is not None:
        with suppress(OSError):
            file.unlink()
        os.close(descriptor)


def _same(link: Path, file: Path) -> bool:
    with suppress(OSError):
        return link.samefile(file)
    return False
