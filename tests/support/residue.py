"""A song with unique words, and functions that search for these words after the song was deleted."""

from itertools import chain
from pathlib import Path
from typing import Any

from melisma.v1.music_pb2 import SongAccepted
from melisma_client import Client, SongRequest

PROMPT, LYRICS = "7f3a鲸鱼之梦 in a minor mood", "[verse]\n月光下的9c41秘密\n"
WORDS = ("7f3a鲸鱼之梦", "月光下的9c41秘密")
NEEDLES = {word.encode(encoding) for word in WORDS for encoding in ("utf-8", "utf-16-le", "utf-16-be")}
NEEDLES |= {word.encode("unicode_escape") for word in WORDS}


def found(data: bytes) -> set[bytes]:
    return {needle for needle in NEEDLES if needle in data}


def in_files(folder: Path) -> set[str]:
    """Return the names of the files in a folder that contain words of the song."""
    return {path.name for path in folder.rglob("*") if path.is_file() and found(path.read_bytes())}


def in_directory(client: Any) -> set[bytes]:
    """Return the keys of a song directory that contain words of the song in their names or values."""
    return {key for key in client.scan_iter() if found(key + content(client, key))}


def content(client: Any, key: bytes) -> bytes:
    """Return the bytes of a value in Redis, of any type."""
    match client.type(key):
        case b"hash":
            return b" ".join(chain.from_iterable(client.hgetall(key).items()))
        case b"list":
            return b" ".join(client.lrange(key, 0, -1))
        case b"zset":
            return b" ".join(client.zrange(key, 0, -1))
        case b"set":
            return b" ".join(client.smembers(key))
        case _:
            return bytes(client.get(key) or b"")


def made(client: Client, words: bool = True) -> str:
    """Make a whole song, with the unique words or without, and return its id."""
    request = SongRequest(prompt=PROMPT, lyrics=LYRICS) if words else SongRequest(prompt="noise")
    accepted, *_ = client.generate(request)
    assert isinstance(accepted, SongAccepted)
    return accepted.song_id
