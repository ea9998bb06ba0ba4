"""The connection of one process to the song directory: Redis or Valkey, one primary with any number of replicas."""

import asyncio
import logging
import math
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeAlias

from redis import exceptions
from redis.asyncio import Connection as PlainConnection
from redis.asyncio import ConnectionPool, Redis, SSLConnection
from redis.asyncio.client import PubSub
from redis.asyncio.retry import Retry
from redis.asyncio.sentinel import Sentinel, SentinelConnectionPool
from redis.backoff import NoBackoff

from server.store.base import StoreFailed
from server.store.shared.addresses import DirectoryAddress
from server.store.shared.errors import DirectoryAway, failed, passes, trouble
from server.store.shared.scripts import texts
from server.store.shared.unusable import SharedStoreUnusable
from server.store.watcher import UNWATCHED, StorePart, StoreWatcher

_CALLS_AT_ONCE: Final = 32
_ANSWER_SECONDS: Final = 2.0
_FIRST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS = 0.02, 1.0

Argument: TypeAlias = bytes | str | int | float

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class DirectoryAccess:
    """Address and credentials of the song directory (Redis or Valkey); `ca_file` has the certificates of the
    authorities that signed its TLS certificate.
    """

    address: DirectoryAddress
    password_file: Path | None = None
    ca_file: Path | None = None


class Connection:
    """Runs Lua scripts in the song directory (Redis or Valkey). While the directory is unreachable, calls are repeated
    for a limited time.
    """

    def __init__(
        self,
        client: Redis,
        outage_seconds: float,
        scripts: Mapping[str, str] | None = None,
        watcher: StoreWatcher = UNWATCHED,
    ) -> None:
        """Set up the connection. Calls to an unreachable song directory are repeated for at most `outage_seconds`;
        `scripts` are Lua texts by name; `watcher` records the calls and their failures.
        """
        self._client = client
        self._outage_seconds = outage_seconds
        self._scripts = {name: client.register_script(text) for name, text in (scripts or texts()).items()}
        # The pool raises an error if all its connections are in use, so calls wait here for a free one.
        self._places = asyncio.Semaphore(_CALLS_AT_ONCE)
        self._away_since: float | None = None
        self._back_at = -math.inf
        self._closed = False
        self._watcher = watcher

    @property
    def away_seconds(self) -> float:
        """Seconds for which the song directory has not been reachable; 0 while it is reachable."""
        return 0.0 if self._away_since is None else time.monotonic() - self._away_since

    @property
    def steady_seconds(self) -> float:
        """Seconds since the end of the last outage of the song directory; infinite if there was none."""
        return time.monotonic() - self._back_at

    @property
    def cut_off(self) -> str | None:
        """The reason why this server should get no calls, if the song directory has been unreachable for too long;
        otherwise `None`.
        """
        away = self.away_seconds > self._outage_seconds
        return "the song directory (Redis or Valkey) cannot be reached now" if away else None

    @property
    def client(self) -> Redis:
        """The client object of the Redis library, for commands that are not scripts."""
        return self._client

    def pubsub(self) -> PubSub:
        """Open a separate Redis connection for pub/sub messages."""
        return self._client.pubsub()

    async def run(self, script: str, *arguments: Argument) -> Any:
        """Run a Lua script in the song directory (Redis or Valkey) and return its result. A script whose response was
        lost is run again, so all scripts are idempotent.

        Raises:
            StoreFull: the song directory has no memory left.
            StoreFailed: the song directory refuses the call, is unreachable for too long, or the connection is closed.
        """
        pause_seconds = _FIRST_PAUSE_SECONDS
        while True:
            self._require_open()
            try:
                async with self._places:
                    asked_at = time.monotonic()
                    answer = await self._scripts[script](args=arguments)
            except exceptions.RedisError as error:
                await self._note_failure(error)
                await asyncio.sleep(pause_seconds)
                pause_seconds = min(2 * pause_seconds, _LONGEST_PAUSE_SECONDS)
            else:
                self._watcher.answered(StorePart.DIRECTORY, time.monotonic() - asked_at)
                self._note_answer()
                return answer

    async def close(self) -> None:
        """Close all connections to Redis; further calls raise StoreFailed."""
        self._closed = True
        pool = self._client.connection_pool
        await self._client.aclose()
        await pool.disconnect()
        if isinstance(pool, SentinelConnectionPool):
            for sentinel in pool.sentinel_manager.sentinels:
                await sentinel.aclose()

    def _require_open(self) -> None:
        if self._closed:
            raise StoreFailed("the song store is closed, because the server is ending: call again after its restart")

    async def _note_failure(self, error: exceptions.RedisError) -> None:
        """Record a failed call to the song directory. Return normally if the call should be repeated; otherwise raise
        StoreFailed or StoreFull.
        """
        self._require_open()
        self._watcher.failed(StorePart.DIRECTORY, trouble(error))
        if not passes(error):
            raise failed(error) from error
        if self._away_since is None:
            self._away_since = time.monotonic()
            logger.warning(
                "the song directory (Redis or Valkey) cannot be reached; the server goes on trying: %s", error
            )
        if self.away_seconds > self._outage_seconds:
            raise DirectoryAway(error) from error
        if isinstance(error, exceptions.ReadOnlyError):
            # This Redis server was the primary before, so all connections to it are closed.
            await self._client.connection_pool.disconnect(inuse_connections=False)

    def _note_answer(self) -> None:
        if self._away_since is not None:
            logger.info(
                "the song directory (Redis or Valkey) can be reached again",
                extra={"away_seconds": round(self.away_seconds, 1)},
            )
            self._away_since, self._back_at = None, time.monotonic()


@asynccontextmanager
async def connected(
    access: DirectoryAccess,
    outage_seconds: float,
    scripts: Mapping[str, str] | None = None,
    watcher: StoreWatcher = UNWATCHED,
) -> AsyncIterator[Connection]:
    """Context manager that opens a connection to the song directory (Redis or Valkey) and closes it at the end. Calls
    to an unreachable song directory are repeated for at most `outage_seconds`. `scripts` are Lua texts by name;
    `watcher` records the calls and their failures.

    Raises:
        SharedStoreUnusable: the file of the password or of the authorities cannot be read.
    """
    connection = Connection(_client(access), outage_seconds, scripts, watcher)
    try:
        yield connection
    finally:
        await connection.close()


def _client(access: DirectoryAccess) -> Redis:
    address = access.address
    options: dict[str, Any] = {
        "db": address.database,
        "username": address.user or None,
        "password": _password(access.password_file),
        "protocol": 2,
        # The library does not repeat calls itself, because such attempts would not be counted.
        "retry": Retry(NoBackoff(), 0),
        "socket_timeout": _ANSWER_SECONDS,
        "socket_connect_timeout": _ANSWER_SECONDS,
        "socket_keepalive": True,
        "client_name": "melisma",
    }
    if address.tls:
        options["ssl_ca_certs"] = _readable(access.ca_file, "DIRECTORY_CA")
    if address.service:
        return _behind_sentinels(address, options)
    host, port = address.hosts[0]
    kind = SSLConnection if address.tls else PlainConnection
    return Redis(connection_pool=ConnectionPool(connection_class=kind, host=host, port=port, **options))


def _behind_sentinels(address: DirectoryAddress, options: dict[str, Any]) -> Redis:
    secured = {"ssl": True, "ssl_ca_certs": options.get("ssl_ca_certs")} if address.tls else {}
    alike = ("socket_timeout", "socket_connect_timeout", "protocol", "retry")
    for_sentinels = {name: options[name] for name in alike} | secured
    sentinel = Sentinel(address.hosts, sentinel_kwargs=for_sentinels)
    client: Redis = sentinel.master_for(address.service, ssl=address.tls, **options)
    return client


def _password(file: Path | None) -> str | None:
    if file is None:
        return None
    try:
        return file.read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise SharedStoreUnusable(
            f"MELISMA_STORE__DIRECTORY_PASSWORD_FILE names the file {file}, which cannot be read ({error}): correct "
            "its path or permissions"
        ) from error


def _readable(file: Path | None, setting: str) -> str | None:
    if file is not None and not file.is_file():
        raise SharedStoreUnusable(f"MELISMA_STORE__{setting} names {file}, which is not a file: correct its path")
    return str(file) if file else None
