"""The pipe between the server and one lane (command queue) of a worker: pickled Python values, each after its length.

The server's end is on the event loop and needs no thread per lane; the worker's end blocks. The two ends are in
separate modules, so that a worker does not import asyncio at its start.
"""

import pickle
import struct

LENGTH = struct.Struct("!I")
"""Format of the length of a value, in bytes, which is sent before the value."""


class PipeClosed(Exception):
    """The other end of the pipe is closed."""


def packed(value: object) -> bytes:
    """Serialize a value for the pipe: its length, then its pickled bytes."""
    data = pickle.dumps(value, pickle.HIGHEST_PROTOCOL)
    return LENGTH.pack(len(data)) + data
