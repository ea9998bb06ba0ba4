"""Errors of the shared store, and their conversion from the errors of the Redis library."""

from redis import exceptions as redis

from server.store.base import StoreFailed, StoreFull
from server.store.watcher import StoreTrouble

_PASSING_REPLIES = ("NOREPLICAS", "TRYAGAIN", "BUSY", "UNBLOCKED")
"""Beginnings of error replies from a Redis server that is starting or changes its role; a retry may succeed."""


class DirectoryAway(StoreFailed):
    """The song directory (Redis or Valkey) was unreachable for longer than the allowed time."""

    def __init__(self, error: Exception) -> None:
        super().__init__(f"the song directory (Redis or Valkey) cannot be reached: {error}")


class ObjectsAway(StoreFailed):
    """The object store was unreachable; a retry may help."""

    def __init__(self, error: Exception) -> None:
        super().__init__(f"the object store cannot be reached: {str(error).partition(chr(10))[0]}")


class ObjectsRefused(StoreFailed):
    """The object store refuses an operation that this server needs; a retry helps only once rights or keys are
    changed.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(
            f"the object store refuses this server ({reason}): make sure that the bucket of "
            "MELISMA_STORE__OBJECTS exists, and that the keys (AWS_..., GOOGLE_..., AZURE_...) or the identity of the "
            "machine are valid and may read, write, list and delete there"
        )


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
