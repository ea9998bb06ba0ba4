"""Tests of the kernel's count of out-of-memory kills in both versions of cgroups, and of its use for lost workers."""

import os
import signal
from pathlib import Path

import pytest

from server.workers import local_pool as local_pool_module
from server.workers.base import WorkerDeath
from server.workers.oom_kills import OomKills
from tests.server.workers.test_local_pool import local_pool, pid_of
from tests.support.fakes import FAKE
from tests.support.workers.observers import FakeObserver, observed

EVENTS = "low 0\nhigh 7\nmax 9\noom 3\noom_kill {}\noom_group_kill 0\n"
CONTROL = "oom_kill_disable 0\nunder_oom 0\noom_kill {}\n"

KINDS = [
    ("0::/\n", "memory.events", EVENTS),
    ("0::/kubepods/pod-1/box\n", "kubepods/pod-1/box/memory.events", EVENTS),
    ("0::/../../of-the-host\n", "memory.events", EVENTS),
    ("5:cpu:/\n4:memory:/pod-1\n0::/\n", "memory/pod-1/memory.oom_control", CONTROL),
    ("4:hugetlb,memory:/pod-1\n", "memory/memory.oom_control", CONTROL),
]


def group(root: Path, listing: str, name: str) -> Path:
    """Create in `root` the files of /proc and cgroups of a process; `listing` is the content of its cgroup file. Return
    the path of the file `name` for the count of out-of-memory kills, which does not exist yet.
    """
    (root / "proc/self").mkdir(parents=True)
    (root / "proc/self/cgroup").write_text(listing)
    file = root / "sys/fs/cgroup" / name
    file.parent.mkdir(parents=True)
    return file


@pytest.mark.parametrize(("listing", "name", "text"), KINDS)
def test_each_kill_explains_one_death(listing: str, name: str, text: str, tmp_path: Path) -> None:
    file = group(tmp_path, listing, name)
    file.write_text(text.format(2))
    kills = OomKills(tmp_path)
    assert not kills.explain()
    file.write_text(text.format(4))
    assert [kills.explain() for _ in range(3)] == [True, True, False]
    file.write_text(text.format(5))
    kills.forget()
    assert not kills.explain()
    file.unlink()
    assert not kills.explain()


def test_where_nothing_is_counted_no_death_is_explained(tmp_path: Path) -> None:
    group(tmp_path, "3:cpu:/\n", "memory.events").write_text(EVENTS.format(1))
    assert not OomKills(tmp_path).explain()
    assert not OomKills(tmp_path / "nothing").explain()


async def test_a_worker_that_the_kernel_kills_for_memory_is_told_apart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    file = group(tmp_path, "0::/\n", "memory.events")
    file.write_text(EVENTS.format(0))
    monkeypatch.setattr(local_pool_module, "OomKills", lambda: OomKills(tmp_path))
    observer = FakeObserver()
    async with observed(local_pool(FAKE), observer):
        for kills, number in ((1, signal.SIGKILL), (1, signal.SIGKILL), (1, signal.SIGSEGV)):
            worker = await observer.next_worker()
            file.write_text(EVENTS.format(kills))
            os.kill(pid_of(worker), number)
        await observer.next_worker()
    assert observer.deaths == [WorkerDeath.OUT_OF_MEMORY, WorkerDeath.KILLED, WorkerDeath.CRASHED]
    assert caplog.text.count("the worker of device cpu was killed for lack of memory: give the container") == 1
