"""Counts the processes of this container that the kernel has killed for lack of memory."""

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

_KEY = "oom_kill "


class OomKills:
    """Reads how many processes the kernel has killed for lack of memory in the control group (cgroup, version 1 or 2)
    of this process.

    Files: `memory.events` of version 2, `memory.oom_control` of version 1.
    """

    def __init__(self, root: Path = Path("/")) -> None:
        """Find the file with the kernel's count of killed processes, below the root folder `root` of the file
        system.
        """
        self._file = next((file for file in _files(root) if _count(file) is not None), None)
        self._explained = self._read()

    def forget(self) -> None:
        """Regard all kills that the kernel has counted so far as explained."""
        self._explained = self._read()

    def explain(self) -> bool:
        """Return True if the kernel has counted a kill that no earlier call has explained, and regard one kill as
        explained.
        """
        if self._read() <= self._explained:
            return False
        self._explained += 1
        return True

    def _read(self) -> int:
        return (_count(self._file) or 0) if self._file else 0


def _files(root: Path) -> Iterator[Path]:
    """Yield the files that may contain the count of processes killed for lack of memory, the most specific first. In a
    container the path of the own control group may not be visible.
    """
    groups = root / "sys/fs/cgroup"
    for controllers, path in _memory_groups(root / "proc/self/cgroup"):
        folder, name = (groups / "memory", "memory.oom_control") if controllers else (groups, "memory.events")
        yield folder / path.lstrip("/") / name
        yield folder / name


def _memory_groups(listing: Path) -> list[tuple[str, str]]:
    """Return the controllers and the path of each control group of this process that limits memory. In version 2 the
    controllers are empty.
    """
    with suppress(OSError):
        lines = [line.split(":", 2) for line in listing.read_text("utf-8").splitlines()]
        return [(names, path) for _, names, path in lines if not names or "memory" in names.split(",")]
    return []


def _count(file: Path) -> int | None:
    with suppress(OSError):
        for line in file.read_text("ascii").splitlines():
            if line.startswith(_KEY):
                return int(line.removeprefix(_KEY))
    return None
