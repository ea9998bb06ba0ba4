"""Errors of the song directory, and their conversion from the errors of the Redis library."""

from redis import exceptions as redis

from server.store.base import StoreFailed, StoreFull
from server.store.watcher import StoreTrouble

_PASSING_REPLIES = ("NOREPLICAS", "TRYAGAIN", "BUSY", "UNBLOCKED")
"""Beginnings of error replies from a Redis server that is starting or changes its role; a retry may succeed."""


class DirectoryAway(StoreFailed):
    """The song directory (Redis or Valkey) was unreachable for longer than the allowed time."""

    def __init__(self, error: Exception) -> None:
        super().__init__(f"the song directory (Redis or Valkey) cannot be reached: {error}")


def passes(error: redis.RedisError) -> bool:
    """Return True if a Redis error may be gone after a retry, on a new connection or a new primary."""
    if isinstance(error, redis.AuthenticationError | redis.AuthorizationError | redis.NoPermissionError):
        return False
    if isinstance(error, redis.ConnectionError | redis.TimeoutError | redis.ReadOnlyError | redis.ClusterDownError):
        return True
    return isinstance(error, redis.ResponseError) and str(error).startswith(_PASSING_REPLIES)


def failed(error: redis.RedisError) -> StoreFailed:
    """Convert an error of the Redis library to StoreFailed, or to StoreFull if Redis has no memory left."""
    if isinstance(error, redis.OutOfMemoryError):
        return StoreFull("the song directory (Redis or Valkey) is full: give it more memory (maxmemory)")
    return StoreFailed(f"the song directory (Redis or Valkey) refused a call: {error}")


def trouble(error: redis.RedisError) -> StoreTrouble:
    """Return the kind of a Redis error, as a label for the metrics."""
    if passes(error):
        return StoreTrouble.AWAY
    return StoreTrouble.FULL if isinstance(error, redis.OutOfMemoryError) else StoreTrouble.REFUSED
