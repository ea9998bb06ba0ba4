"""API keys: reads callers and their limits from a file that holds only hashes of the keys.

A key is 256 random bits and cannot be guessed, so one round of SHA-256 protects it as well as a slow hash would.

`python -m server.auth.api_keys NAME` creates a key: it prints the key itself for the caller, and its entry for the
file.
"""

import argparse
import asyncio
import hashlib
import hmac
import json
import logging
import math
import secrets
import stat
import sys
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, TypeAlias

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError, field_validator

from server.quota import Quota

PREFIX = "melisma_"
WATCH_SECONDS = 1.0
_SECRET_BYTES = 32
_NAME_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$"
_Amount: TypeAlias = Annotated[float, Field(gt=0, allow_inf_nan=False)]

_log = logging.getLogger(__name__)


class InvalidKeyFile(ValueError):
    """Error: the file of API keys is missing or invalid; the text gives the reason, and never contains a hash."""


class Scope(StrEnum):
    """Right of an API key: to generate songs, or only to read the list of engines."""

    GENERATE = "generate"
    ENGINES = "engines"


class ApiKey(BaseModel):
    """One entry of the file of API keys: hash of the key, scopes, expiry date and limits. `name` identifies the key's
    holder as a caller; a limit that is `None` does not apply.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    name: str = Field(pattern=_NAME_PATTERN)
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$", repr=False)
    scopes: frozenset[Scope] = frozenset(Scope)
    expires_at: AwareDatetime | None = None
    songs_per_minute: _Amount | None = None
    concurrent_songs: int | None = Field(default=None, ge=1)
    audio_seconds_per_hour: _Amount | None = None

    @property
    def quota(self) -> Quota:
        """The limits on songs of this key's holder: songs per minute, concurrent songs, and seconds of sound per
        hour.
        """
        return Quota(self.songs_per_minute, self.concurrent_songs, self.audio_seconds_per_hour)


class _KeyFile(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    keys: tuple[ApiKey, ...]

    @field_validator("keys")
    @classmethod
    def _hashes_are_distinct(cls, value: tuple[ApiKey, ...]) -> tuple[ApiKey, ...]:
        names = [f"{key.name!r}" for key in value if Counter(other.sha256 for other in value)[key.sha256] > 1]
        if names:
            raise ValueError(f"the entries {' and '.join(names)} have the same key: give each a key of its own")
        return value


class ApiKeyFile:
    """The API keys of one file; `reload` reads the file again when it has changed.

    Several entries may have the same name, so that a key can be replaced without interruption; the limits are then
    those of the first entry. If the file becomes invalid, the keys read before stay valid, and `usable` becomes False.
    """

    def __init__(self, path: Path, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        """Read the file of API keys. `now` returns the present time.

        Raises:
            InvalidKeyFile: the file is missing or invalid.
        """
        self._path = path
        self._now = now
        self._seen = _stamp(path)
        self._keys = _read(path)
        self.usable = True

    def find(self, secret: str) -> ApiKey | None:
        """Return the entry of an API key that is valid now, otherwise `None`. Takes the same time for known and unknown
        keys.
        """
        digest = hashlib.sha256(secret.encode()).hexdigest()
        found: ApiKey | None = None
        for key in self._keys:
            if hmac.compare_digest(key.sha256, digest):
                found = key
        if found is None or (found.expires_at is not None and found.expires_at <= self._now()):
            return None
        return found

    def quota(self, name: str) -> Quota:
        """Return the limits on songs of the caller `name`; without limits if the name is not in the file."""
        return next((key.quota for key in self._keys if key.name == name), Quota())

    def next_expiry(self) -> float | None:
        """Return the time at which the next caller loses its last valid key, in seconds since 1970; `None` if no key
        has an expiry date.

        If a caller has several keys, the last to expire counts. Callers whose keys have all expired are left out.
        """
        ends: dict[str, float] = {}
        for key in self._keys:
            end = math.inf if key.expires_at is None else key.expires_at.timestamp()
            ends[key.name] = max(end, ends.get(key.name, 0.0))
        now = self._now().timestamp()
        return min((end for end in ends.values() if now < end < math.inf), default=None)

    def reload(self) -> None:
        """Read the file of API keys again if it has changed since the last call; an invalid file is logged and leaves
        the keys as they are.
        """
        stamp = _stamp(self._path)
        if stamp == self._seen:
            return
        self._seen = stamp
        try:
            self._keys, self.usable = _read(self._path), True
            _log.info(
                "the file of API keys %s has changed and was read again", self._path, extra={"keys": len(self._keys)}
            )
        except InvalidKeyFile as error:
            self.usable = False
            _log.error("the changed file of API keys cannot be used, so the keys read before stay valid: %s", error)

    async def watch(self, report: Callable[[bool], None]) -> None:
        """Reload the file whenever it changes, until cancelled; `report` is called at every check with True if the file
        is valid.
        """
        while True:
            report(self.usable)
            await asyncio.sleep(WATCH_SECONDS)
            self.reload()


def new_key(name: str) -> tuple[str, ApiKey]:
    """Return a new random API key for the caller `name`, as text, and the key's entry (with the hash) for the file of
    keys.
    """
    secret = PREFIX + secrets.token_urlsafe(_SECRET_BYTES)
    return secret, ApiKey(name=name, sha256=hashlib.sha256(secret.encode()).hexdigest())


def _stamp(path: Path) -> tuple[int, int, int] | None:
    # The inode is compared, too: Kubernetes replaces the folder behind a link, and time and size may stay the same.
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns, found.st_size


def _read(path: Path) -> tuple[ApiKey, ...]:
    try:
        if path.stat().st_mode & stat.S_IWOTH:
            raise InvalidKeyFile(
                "all users of the computer can write to the file of API keys; take the right from them: chmod o-w "
                f"{path}"
            )
        return _KeyFile.model_validate_json(path.read_bytes()).keys
    except OSError as error:
        raise InvalidKeyFile(
            f"the file of API keys {path} cannot be read ({error.strerror}): correct MELISMA_API_KEYS or the file's "
            "permissions"
        ) from None
    except ValidationError as error:
        faults = "; ".join(f"{'.'.join(map(str, fault['loc'])) or 'file'}: {fault['msg']}" for fault in error.errors())
        raise InvalidKeyFile(f"the file of API keys {path} has errors, correct them: {faults}") from None


def main() -> int:
    """Command line: print a new API key and its entry for the file; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m server.auth.api_keys", description="Make an API key.")
    parser.add_argument(
        "name", help="name of the key's holder, as the server logs it: up to 64 letters, digits, '.', '_' and '-'"
    )
    try:
        secret, entry = new_key(parser.parse_args().name)
    except ValidationError:
        parser.error(
            "the name must have 1 to 64 letters, digits, '.', '_' and '-', and must begin with a letter or digit"
        )
    line = json.dumps(entry.model_dump(mode="json", include={"name", "sha256"}))
    sys.stdout.write(f"{secret}\n")
    sys.stderr.write(
        "Give the key above to its holder; it cannot be shown again. Put this line into the file of "
        f"MELISMA_API_KEYS:\n{line}\n"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
