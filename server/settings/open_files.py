"""Adapts the process's limit of open files to the settings: raises the soft limit, or lowers the settings' limits of
connections.

A process without a free file descriptor can neither answer calls nor replace workers. So the limit must cover all
connections that the settings allow, and the files of workers, songs and the store.
"""

import logging
import resource

from server.settings.settings import Settings

LEAST_CONNECTIONS = 16
"""Fewest connections per port with which the server starts."""
_PORTS = 2
_RESERVE = 256
"""Number of file descriptors for logs, store, other servers, metrics and probes."""
_FILES_OF_PROCESS = 16
"""Number of file descriptors per worker, encoder or checking process: pipes and sockets, including those of a
replacement that is being started.
"""
_FILES_OF_SONG = 4

logger = logging.getLogger(__name__)


class TooFewFiles(RuntimeError):
    """Error: the process may open too few files to serve calls; the text says what to do."""


def with_files_for(settings: Settings) -> Settings:
    """Return the settings, with lower connection limits if the process may not open enough files.

    Raises the soft limit of open files as far as needed and allowed.

    Raises:
        TooFewFiles: the limit leaves too few connections.
    """
    own = files_beside_connections(settings)
    count = settings.connections.count
    allowed = _raised_to(own + _PORTS * count)
    fitting = (allowed - own) // _PORTS
    if fitting >= count:
        return settings
    if fitting < LEAST_CONNECTIONS:
        raise TooFewFiles(
            f"this process may open only {allowed} files and needs at least {own + _PORTS * LEAST_CONNECTIONS}: raise "
            "the "
            "hard limit (ulimit -Hn, LimitNOFILE=, or nofile of the container)"
        )
    logger.warning(
        "MELISMA_CONNECTIONS__COUNT is lowered from %d to %d: this process may open only %d files; raise the hard "
        "limit (ulimit -Hn, LimitNOFILE=, or nofile of the container), or set a smaller number",
        count,
        fitting,
        allowed,
    )
    of_peer = max(1, settings.connections.peer_count * fitting // count)
    connections = settings.connections.model_copy(update={"count": fitting, "peer_count": of_peer})
    return settings.model_copy(update={"connections": connections})


def files_beside_connections(settings: Settings) -> int:
    """Return the number of file descriptors that the server needs in addition to those of its connections."""
    devices = sum(device.count for device in settings.devices) if settings.makes_songs else 0
    processes = devices * (1 + settings.threads.encoders) + 1
    songs = sum(device.count * (device.running_songs or settings.limits.running_songs) for device in settings.devices)
    return _RESERVE + processes * _FILES_OF_PROCESS + songs * _FILES_OF_SONG


def _raised_to(wanted: int) -> int:
    """Raise the soft limit of open files to `wanted`, as far as the hard limit allows, and return the limit."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return wanted if soft == resource.RLIM_INFINITY else soft
    raised = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (raised, hard))
    return raised
