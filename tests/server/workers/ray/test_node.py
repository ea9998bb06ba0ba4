"""Tests of the parts that run on a node: the lock of a device, the watch for silence, and the reaper, which kills
workers.
"""

import fcntl
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from signal import SIGSTOP

import pytest

from server.workers.ray.node.device_lock import DeviceBusy, DeviceLock, remove_unused
from server.workers.ray.node.reaper import Reaper
from server.workers.ray.node.silence import SilenceWatch

HOLDER = """
import sys, time
from pathlib import Path
from server.workers.ray.node.device_lock import DeviceLock
lock = DeviceLock("gpu-0", Path(sys.argv[1]))
lock.acquire(0.0)
print(flush=True)
time.sleep(60.0)
"""


@pytest.fixture
def frozen(tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Fixture: a stopped process (SIGSTOP) that holds the lock of "gpu-0"."""
    process = subprocess.Popen([sys.executable, "-c", HOLDER, str(tmp_path)], stdout=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.readline()
    process.send_signal(SIGSTOP)
    yield process
    process.kill()
    process.wait()
    process.stdout.close()


def test_a_frozen_process_keeps_its_device_until_it_is_killed(frozen: subprocess.Popen[bytes], tmp_path: Path) -> None:
    lock = DeviceLock("gpu-0", tmp_path)
    with pytest.raises(DeviceBusy, match=f"process {frozen.pid} still uses the device 'gpu-0'"):
        lock.acquire(0.05)
    DeviceLock("gpu-1", tmp_path).acquire(0.0)
    assert lock.free(10.0)
    lock.acquire(0.0)
    assert lock.holder() == os.getpid()
    with pytest.raises(DeviceBusy):
        DeviceLock("gpu-0", tmp_path).acquire(0.0)
    lock.release()
    assert DeviceLock("gpu-0", tmp_path).free(0.0)


def test_files_are_removed_with_their_locks(frozen: subprocess.Popen[bytes], tmp_path: Path) -> None:
    for slot in ("left", "behind"):
        (tmp_path / f"melisma-device-{os.getuid()}-{slot}.lock").touch()
    remove_unused(tmp_path)
    assert [file.name for file in tmp_path.iterdir()] == [f"melisma-device-{os.getuid()}-gpu-0.lock"]
    assert DeviceLock("gpu-0", tmp_path).free(10.0)
    assert not list(tmp_path.iterdir())


def test_the_lock_of_a_file_that_is_removed_meanwhile_is_not_that_of_the_device(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = DeviceLock("gpu-0", tmp_path), DeviceLock("gpu-0", tmp_path)
    first.acquire(0.0)
    flock = fcntl.flock

    def late(descriptor: int, operation: int) -> None:
        """Lock a lock file only after one process has removed it and another process has created it again."""
        monkeypatch.setattr(fcntl, "flock", flock)
        first.release()
        second.acquire(0.0)
        flock(descriptor, operation)

    monkeypatch.setattr(fcntl, "flock", late)
    with pytest.raises(DeviceBusy):
        DeviceLock("gpu-0", tmp_path).acquire(0.0)
    second.release()


def test_silence_is_told_once_and_only_after_three_periods() -> None:
    calls = threading.Semaphore(0)
    watch = SilenceWatch(0.1, calls.release)
    for _ in range(20):
        watch.heartbeat()
        assert not calls.acquire(timeout=0.025)
    assert calls.acquire(timeout=10.0)
    assert not calls.acquire(timeout=0.2)


def test_a_reaper_that_hears_nothing_kills_its_workers(frozen: subprocess.Popen[bytes]) -> None:
    left = threading.Event()
    reaper = Reaper(0.2, left.set)  # time to name the device before the silence is too long
    reaper._slots.add("gpu-0")
    assert left.wait(10.0)
    assert frozen.wait(10.0) == -9
