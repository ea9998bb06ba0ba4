"""The pipe between the server and one lane of a worker: whole Python values, each behind its length.

The server's end lives on the event loop, which then needs no thread for every lane; the worker's end blocks. They are
modules of their own, so that a worker does not spend its start on importing asyncio.
"""

import pickle
import struct

LENGTH = struct.Struct("!I")
"""The length of a value in bytes, which goes before it."""


class PipeClosed(Exception):
    """The other end is gone."""


def packed(value: object) -> bytes:
    """A value as it goes through the pipe."""
    data = pickle.dumps(value, pickle.HIGHEST_PROTOCOL)
    return LENGTH.pack(len(data)) + data
