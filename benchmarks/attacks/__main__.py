"""Starts a server, attacks it with expensive requests that are within the limits, and prints the cost of each.

    python -m benchmarks.attacks [CHECKOUT] [--only freeze lyrics midi answers body recordings]

Every line has the kind of the attack, its name, the response, the longest response time of /livez, the growth of memory
of the server and of its largest process, and the time until the last response. Client and server share the computer, so
a few milliseconds of delay are not significant. The kinds: F1 parsing and checking, F5 lyrics, F6 rates of recordings,
F11 MIDI, F12 and F13 numbers and text, F19 bodies after a refusal, F20 JSON, F23 samples and formats of recordings.
"""

import argparse
import os
import signal
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from benchmarks.attacks import parts, recordings
from benchmarks.attacks.parts import Target
from benchmarks.attacks.watching import Watch
from benchmarks.service.compare_checkouts import environment_of
from benchmarks.service.running import SERVER, running_service
from clients.examples.first_song import free_port

PARTS: Mapping[str, Callable[[Target], Iterator[str]]] = {
    "freeze": parts.freeze,
    "lyrics": parts.lyrics,
    "midi": parts.midi,
    "answers": parts.answers,
    "body": parts.body,
}


@contextmanager
def _target(checkout: Path) -> Iterator[Target]:
    http_port = free_port()
    environment = environment_of(checkout)
    with running_service(SERVER, checkout, environment, http_port=str(http_port), log_level="critical") as service:

        def ended(*_: object) -> None:
            service.process.kill()
            os._exit(1)  # threads of attacks may still wait for responses

        signal.signal(signal.SIGTERM, ended)
        yield Target(service.address, http_port, Watch(service.process, http_port))


def main() -> int:
    """Command line: run the selected attacks and print a line for each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkout", nargs="?", type=Path, default=Path.cwd())
    parser.add_argument("--only", nargs="+", choices=(*PARTS, "recordings"), default=(*PARTS, "recordings"))
    given = parser.parse_args()
    checkout = given.checkout.resolve()
    for name in given.only:
        if name == "recordings":
            lines = recordings.table(checkout)
            _print(lines)
            continue
        with _target(checkout) as target:
            _print(PARTS[name](target))
    return 0


def _print(lines: Iterator[str]) -> None:
    for line in lines:
        print(line, flush=True)


if __name__ == "__main__":
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")
    sys.exit(main())
