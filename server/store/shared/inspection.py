"""Checks at the start that the song directory (Redis or Valkey) can be used: access, persistence and version."""

import asyncio
import logging
import time
from typing import Any, Final

from redis import exceptions
from redis.asyncio import Redis

from server.store.shared.errors import passes
from server.store.shared.unusable import SharedStoreUnusable

SCHEMA_VERSION: Final = 1
VERSION_KEY: Final = "m:version"

_OLDEST_SERVER: Final = (7, 0)
_PAUSE_SECONDS: Final = 0.2

logger = logging.getLogger(__name__)


async def inspect(client: Redis, wait_seconds: float) -> bool:
    """Check that the song directory (Redis or Valkey) can be used; return True if it has data of this version, False if
    it is new.

    Attempts to reach an unreachable song directory continue for `wait_seconds`.

    Raises:
        SharedStoreUnusable: the song directory cannot be used; the text says what to set.
    """
    give_up_at = time.monotonic() + wait_seconds
    while True:
        try:
            return await _inspect(client)
        except exceptions.RedisError as error:
            if not passes(error):
                raise SharedStoreUnusable(_refusal(error)) from error
            if time.monotonic() > give_up_at:
                raise SharedStoreUnusable(
                    f"the song directory (Redis or Valkey) cannot be reached ({error}): correct "
                    "MELISMA_STORE__DIRECTORY, or start Redis or Valkey there"
                ) from error
            await asyncio.sleep(_PAUSE_SECONDS)


async def _inspect(client: Redis) -> bool:
    version = await client.get(VERSION_KEY)
    try:
        _require_suitable(await client.info())
    except exceptions.NoPermissionError:
        logger.warning(
            "the song directory (Redis or Valkey) does not let the server read its settings: make sure yourself that "
            "Redis is version 7 or newer, that maxmemory-policy is noeviction and that there is no cluster"
        )
    if version is not None and int(version) > SCHEMA_VERSION:
        raise SharedStoreUnusable(
            "the song directory (Redis or Valkey) was made by a newer version of this server: update this one, or set "
            "MELISMA_STORE__DIRECTORY to another database"
        )
    return version is not None


def _require_suitable(info: dict[str, Any]) -> None:
    """Raise an error if version, cluster mode or settings of the Redis server are unsuitable. `info` is the server's
    response to the command INFO.
    """
    policy = info.get("maxmemory_policy", "noeviction")
    if policy != "noeviction":
        raise SharedStoreUnusable(
            f"the song directory (Redis or Valkey) deletes songs when its memory is full (maxmemory-policy {policy}): "
            "set its maxmemory-policy to noeviction"
        )
    version = str(info.get("redis_version", ""))
    if tuple(int(part) for part in version.split(".")[:2] if part.isdecimal()) < _OLDEST_SERVER:
        raise SharedStoreUnusable(f"the song directory is Redis {version}: use Redis 7 or newer, or Valkey")
    if info.get("cluster_enabled"):
        raise SharedStoreUnusable("the song directory (Redis or Valkey) is a cluster: use one primary, with replicas")


def _refusal(error: exceptions.RedisError) -> str:
    if isinstance(error, exceptions.AuthenticationError | exceptions.AuthorizationError):
        return (
            f"the song directory (Redis or Valkey) refuses the login of this server ({error}): set the user in "
            "MELISMA_STORE__DIRECTORY and the file of the password in MELISMA_STORE__DIRECTORY_PASSWORD_FILE"
        )
    if isinstance(error, exceptions.NoPermissionError):
        return (
            f"the user of this server lacks rights in the song directory (Redis or Valkey) ({error}): grant it "
            "~m:* &m:* +@all -@dangerous"
        )
    return f"the song directory (Redis or Valkey) refuses all calls, correct its settings: {error}"
