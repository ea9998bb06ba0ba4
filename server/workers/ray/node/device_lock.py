"""Locks one device of one computer for the process of its worker, by a file lock of the kernel, until that process has
ended.

A frozen process keeps it, a killed one loses it with its memory of the device. So a device never has two workers,
whatever the cluster believes.

A file is removed by a process that has its lock. Who gets the lock of a removed file afterwards sees that its name has
no file or another one, and opens that.
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
    """Another process holds the device and has not ended in time."""


def default_folder() -> Path:
    """Return the folder of the locks of this computer, whose files end with the system at the latest."""
    return Path(tempfile.gettempdir())


def remove_unused(folder: Path | None = None) -> None:
    """Remove the files that killed processes of this user have left behind."""
    for file in (folder or default_folder()).glob(_PATTERN.format(user=os.getuid(), name="*")):
        with suppress(OSError):
            _remove(file, _locked_now(file))


class DeviceLock:
    """The lock of the device named `slot`: a file in `folder`."""

    def __init__(self, slot: str, folder: Path | None = None) -> None:
        name = re.sub(r"[^A-Za-z0-9_.-]", "_", slot)
        self._file = (folder or default_folder()) / _PATTERN.format(user=os.getuid(), name=name)
        self._slot = slot
        self._descriptor: int | None = None

    def acquire(self, timeout_seconds: float) -> None:
        """Take the lock for this process, which keeps it until it ends or calls `release`.

        Raises:
            DeviceBusy: another process still has it after `timeout_seconds`.
        """
        descriptor = _locked(self._file, timeout_seconds)
        if descriptor is None:
            raise DeviceBusy(
                f"process {self.holder()} still uses the device {self._slot!r}: end it, or restart the computer if it "
                "is stuck in the driver"
            )
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, str(os.getpid()).encode(), 0)
        self._descriptor = descriptor

    def release(self) -> None:
        """Release the lock and remove its file."""
        descriptor, self._descriptor = self._descriptor, None
        _remove(self._file, descriptor)

    def holder(self) -> int | None:
        """Return the id of the process that took the lock last."""
        with suppress(OSError, ValueError):
            return int(self._file.read_text("ascii"))
        return None

    def free(self, timeout_seconds: float) -> bool:
        """Kill the process that holds the lock, if any, and remove its file; returns True once no process holds it."""
        descriptor = _locked(self._file, 0.0)
        if descriptor is None:
            if (holder := self.holder()) is not None and holder != os.getpid() and self._is_open_in(holder):
                with suppress(ProcessLookupError):
                    os.kill(holder, signal.SIGKILL)
            descriptor = _locked(self._file, timeout_seconds)
        _remove(self._file, descriptor)
        return descriptor is not None

    def _is_open_in(self, pid: int) -> bool:
        """Return True if a process has the file open. The id alone is not enough, because ids of ended processes are
        used again.
        """
        with suppress(OSError):
            return any(_same(link, self._file) for link in Path(f"/proc/{pid}/fd").iterdir())
        return False


def _locked(file: Path, timeout_seconds: float) -> int | None:
    """Open and lock a file, made if necessary, until `timeout_seconds` have passed; returns its descriptor."""
    deadline = time.monotonic() + timeout_seconds
    while (descriptor := _locked_now(file)) is None:
        if time.monotonic() >= deadline:
            return None
        time.sleep(_POLL_SECONDS)
    return descriptor


def _locked_now(file: Path) -> int | None:
    """Open and lock the file of that name; returns `None` if another process has its lock."""
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
    """Return True if an open file was not removed since it was opened."""
    with suppress(FileNotFoundError):
        return os.path.samestat(os.fstat(descriptor), file.lstat())
    return False


def _remove(file: Path, descriptor: int | None) -> None:
    """Remove a file whose lock this process has, and release the lock."""
    if descriptor is not None:
        with suppress(OSError):
            file.unlink()
        os.close(descriptor)


def _same(link: Path, file: Path) -> bool:
    with suppress(OSError):
        return link.samefile(file)
    return False
