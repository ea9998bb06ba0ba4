"""Reads the writes of songs from the append-only file of a song directory, to find writes by a replica that had lost
its claim.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import IO


def appends(folder: Path) -> Iterator[tuple[str, int, str]]:
    """Yield for each append of sound, in the order of the file: the song's id, and the epoch and replica of the claim
    that wrote it.
    """
    for path in sorted(folder.glob("appendonlydir/*.incr.aof")):
        with path.open("rb") as file:
            last: list[bytes] = []
            for command in _commands(file):
                if command[0].upper() == b"HSET" and b"record" in command and last[:1] and last[0].upper() in _WRITES:
                    record = json.loads(command[command.index(b"record") + 1])
                    yield record["song_id"], record["epoch"], record["owner"]
                last = command


_WRITES = (b"APPEND", b"RPUSH")


def _commands(file: IO[bytes]) -> Iterator[list[bytes]]:
    """Yield the commands in an append-only file, without time stamps; an incomplete last command is left out."""
    while line := file.readline():
        if line.startswith(b"#"):
            continue
        parts: list[bytes] = []
        for _ in range(int(line[1:])):
            head = file.readline()
            if not head.endswith(b"\r\n"):
                return
            size = int(head[1:])
            part = file.read(size + 2)
            if len(part) < size + 2:
                return
            parts.append(part[:-2])
        yield parts


def out_of_turn(folder: Path) -> tuple[int, list[str]]:
    """Return the number of all appends, and a description of each wrong one: an append that follows one of a later
    claim of the song, or that another replica wrote with the same epoch.
    """
    latest: dict[str, tuple[int, str]] = {}
    count, found = 0, []
    for song, epoch, owner in appends(folder):
        count += 1
        before = latest.get(song, (0, owner))
        if epoch < before[0] or (epoch == before[0] and owner != before[1]):
            found.append(f"{song}: claim {epoch} of {owner} after {before}")
        latest[song] = max(before, (epoch, owner))
    return count, found
