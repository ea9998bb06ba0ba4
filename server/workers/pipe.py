"""The pipe between the server and one lane of a worker: pickled Python values with a length prefix.

The server's end is on the event loop, so no thread per lane is needed; the worker's end blocks. They are separate
modules, so that a worker does not import asyncio at its start.
"""

import pickle
import struct

LENGTH = struct.Struct("!I")
"""The length prefix of a value, in bytes."""


class PipeClosed(Exception):
    """The other end of the pipe is closed."""


def packed(value: object) -> bytes:
    """Serialize a value: its length, then its pickled bytes."""
    data = pickle.dumps(value, pickle.HIGHEST_PROTOCOL)
    return LENGTH.pack(len(data)) + data
