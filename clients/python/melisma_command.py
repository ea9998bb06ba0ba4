"""The `melisma` command's way in: quiet from the first moment, while the client is still being imported."""

import os
import signal


def main() -> None:
    """Run the command line. Ctrl-C ends it without a traceback even before it is read."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")
    from melisma_client.cli import main as run

    run()
