"""Command line of the server: `python -m server`.

Exit status: 0 after a drain, 1 if the server cannot start, 2 for invalid settings.
"""

import asyncio
import logging
import signal
import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING

from server.garbage import uncollected

if TYPE_CHECKING:
    from server.settings.settings import Settings
    from server.workers.restarting_pool import AnyPool


def main() -> int:
    """Read the settings and run the server; return the exit status."""
    with uncollected():
        # The import is here, so that importing this module costs almost nothing.
        from server.assembly.processes import build_pool
        from server.log_output.lines import configure_logs
        from server.settings.command_line import InvalidSettings, read_settings, unknown_variables
        from server.settings.open_files import TooFewFiles, with_files_for
        from server.settings.roles import without_effect
        from server.workers.restarting_pool import PoolUnusable

    try:
        settings = read_settings(sys.argv[1:])
    except InvalidSettings as error:
        sys.stderr.write(f"python -m server: {error}\n")
        return 2
    configure_logs(settings.log_level, settings.log_format)
    _warn_of_useless(unknown_variables(), without_effect(settings), settings.role)
    try:
        settings = with_files_for(settings)
        pool = build_pool(settings)
    except (TooFewFiles, PoolUnusable) as error:
        logging.getLogger("server").error("%s", error)
        return 1
    try:
        return asyncio.run(_serve(settings, pool))
    except asyncio.CancelledError:  # by a signal before there was anything to drain
        return 0


def _warn_of_useless(variables: Iterable[str], settings: Iterable[str], role: str) -> None:
    """Log a warning for each of `variables`, environment variables that name no setting, and for each of `settings`,
    which have no effect in the server's `role`.
    """
    log = logging.getLogger("server")
    for name in variables:
        log.warning(
            "the environment variable %s is not a setting of the server and has no effect: correct its name or remove "
            "it",
            name,
        )
    for name in settings:
        log.warning("the setting %s has no effect with MELISMA_ROLE=%s: remove it", name, role)


async def _serve(settings: "Settings", pool: "AnyPool") -> int:
    """Launch the worker processes (none on a frontend, which makes no songs), then run the server with them; return the
    exit status.
    """
    task = asyncio.current_task()
    assert task is not None
    for number in (signal.SIGTERM, signal.SIGINT):
        # Until the event loop handles signals (in `serve`), a signal during the imports below must not end the process,
        # because worker processes would then continue to run until their engines are loaded.
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    try:
        await pool.launch()
        return await _serve_launched(settings, pool)
    finally:
        await pool.close()


async def _serve_launched(settings: "Settings", pool: "AnyPool") -> int:
    with uncollected():
        # This import comes last: workers take longest to start, and load their engines on other cores meanwhile.
        from server.api.address import PortUnavailable
        from server.app import serve
        from server.audio.manifest import InvalidSigningCertificate
        from server.auth.api_keys import InvalidKeyFile
        from server.auth.tls import InvalidCertificate
        from server.store.embedded.files import StoreUnusable
        from server.store.shared.unusable import SharedStoreUnusable
        from server.telemetry.traces.tracing import InvalidTelemetry

    unusable = (PortUnavailable, InvalidKeyFile, InvalidCertificate, InvalidSigningCertificate, InvalidTelemetry)
    try:
        await serve(settings, pool)
    except (*unusable, StoreUnusable, SharedStoreUnusable) as error:
        logging.getLogger("server").error("%s", error)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
