"""The process that masters and encodes: sound comes from workers, and encoded chunks leave for the server.

    python -P -m server.encoders.encoder DESCRIPTOR ADDRESS

Three kinds of threads: the first one takes the server's orders, one for each worker reads sound into the queues, and
one encodes.
"""

import importlib
import logging
import signal
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import cast

from server.audio.codecs.base import EncoderFactory
from server.encoders.encoding import EncodingLoop
from server.encoders.fingerprint import encoding_fingerprint
from server.encoders.messages import CloseSong, EncoderPing, EncoderReady, EncoderSpec
from server.encoders.song_queues import SongQueues
from server.encoders.sound_socket import SoundSocket
from server.garbage import uncollected
from server.log_output.lines import configure_logs
from server.workers.blocking_pipe import BlockingPipe, ended_with_its_pipe
from server.workers.pipe import PipeClosed

_log = logging.getLogger(__name__)


def main(descriptor: int, address: str) -> None:
    """Run an encoder process on its end of the server's pipe; it takes in sound on a Unix socket at `address`.

    The socket is in a folder of its own, and goes with it.

    Reads an `EncoderSpec`, says `EncoderReady`, and returns when the other end is closed. Signals are left to the
    server. Whatever else ends one of its threads ends the process.
    """
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    pipe = BlockingPipe(descriptor)
    with suppress(PipeClosed):
        spec = pipe.receive()
        assert isinstance(spec, EncoderSpec)
        configure_logs(spec.logs.level, spec.logs.format)
        with uncollected():
            factory = factory_at(spec.factory)
            fingerprint = encoding_fingerprint(factory) if spec.fingerprinted else ""
        serve(pipe, address, factory, _or_die, fingerprint)
    _clear_away(Path(address))


def serve(
    pipe: BlockingPipe,
    address: str,
    factory: EncoderFactory,
    guard: Callable[[Callable[[], None]], None],
    fingerprint: str = "",
) -> None:
    """Encode what comes in at `address` until the server closes its pipe; `guard` runs the bodies of threads.

    `fingerprint` is that of the encoding, which the server is told.

    Raises:
        PipeClosed: the server has closed it.
    """
    queues = SongQueues()
    sound = SoundSocket(address, queues, guard)
    encoding = threading.Thread(target=guard, args=(EncodingLoop(queues, factory, pipe.send_all).run,), name="encode")
    encoding.daemon = True
    encoding.start()
    sound.start()
    try:
        pipe.send(EncoderReady(fingerprint))
        while True:
            queues.order(cast(CloseSong | EncoderPing, pipe.receive()))
    finally:
        queues.stop()
        sound.close()
        encoding.join()


def factory_at(path: str) -> EncoderFactory:
    """Import what opens the encoder of a song, from "module:Class"."""
    module, _, name = path.partition(":")
    return cast(EncoderFactory, getattr(importlib.import_module(module), name))


def _clear_away(address: Path) -> None:
    """Remove the socket and its folder, which a server that was killed leaves behind."""
    with suppress(OSError):
        address.unlink()
        address.parent.rmdir()


def _or_die(body: Callable[[], None]) -> None:
    """Run the body of a thread; one that ends otherwise than by the server's pipe takes the process along."""
    with ended_with_its_pipe(_log, "encoder"):
        body()


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2])
