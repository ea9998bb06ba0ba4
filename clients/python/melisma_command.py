"""The entry point of the `melisma` command: handles Ctrl-C while the client is still being imported."""

import os
import signal


def main() -> None:
    """Run the command line. Ctrl-C ends the process without a traceback, also before the arguments are parsed."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")
    from melisma_client.cli import main as run

    run()
