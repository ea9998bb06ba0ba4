"""The pipe from a worker to an encoder, which sends samples from memory without a copy."""

import pickle
import socket
import struct
from collections.abc import Sequence
from typing import TypeAlias, cast

import numpy as np

from server.workers.pipes.pipe import PipeClosed
from server.workers.sound.messages import Sound, SoundMessage

_LENGTHS = struct.Struct("!II")
"""Format of the two lengths before a message, in bytes: of the message without its samples, and of the samples that
follow.
"""

_Bytes: TypeAlias = bytes | memoryview


class SoundPipe:
    """One end of the blocking pipe for sound between worker and encoder. It avoids copies, because a second of stereo
    sound has 384 kB.
    """

    def __init__(self, descriptor: int) -> None:
        self._socket = socket.socket(fileno=descriptor)

    def send(self, message: SoundMessage) -> None:
        """Send a message with its samples to the other end of the pipe.

        Raises:
            PipeClosed: the other end is closed.
        """
        pcm = message.pcm if isinstance(message, Sound) else b""
        bare = message._replace(pcm=b"") if isinstance(message, Sound) else message
        data = pickle.dumps(bare, pickle.HIGHEST_PROTOCOL)
        try:
            self._send_all([_LENGTHS.pack(len(data), len(pcm)) + data, pcm])
        except OSError as error:
            raise PipeClosed from error

    def receive(self) -> SoundMessage:
        """Wait for the next message from the other end of the pipe, and return it.

        Raises:
            PipeClosed: the other end is closed.
        """
        try:
            length, pcm_bytes = _LENGTHS.unpack(self._exactly(_LENGTHS.size))
            message = cast(SoundMessage, pickle.loads(self._exactly(length)))
            return message._replace(pcm=self._exactly(pcm_bytes)) if isinstance(message, Sound) else message
        except OSError as error:
            raise PipeClosed from error

    def close(self) -> None:
        """Close this end of the pipe; the other end reads the end of the stream."""
        self._socket.close()

    def _send_all(self, parts: Sequence[_Bytes]) -> None:
        waiting = [memoryview(part) for part in parts]
        while waiting:
            sent = self._socket.sendmsg(waiting)
            while waiting and sent >= len(waiting[0]):
                sent -= len(waiting.pop(0))
            if sent:
                waiting[0] = waiting[0][sent:]

    def _exactly(self, count: int) -> memoryview:
        data = np.empty(count, np.uint8).data  # this memory is not filled with zeros first
        come = 0
        while come < count:
            part = self._socket.recv_into(data[come:], flags=socket.MSG_WAITALL)
            if not part:
                raise PipeClosed
            come += part
        return data
