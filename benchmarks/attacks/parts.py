"""Attacks a server with expensive or invalid requests; each function attacks one part of the server."""

import http.client
import itertools
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import grpc

from benchmarks.attacks import payloads
from benchmarks.attacks.watching import Suffered, Watch
from benchmarks.songs import SONGS
from melisma.v1 import music_pb2

_GENERATE = "/melisma.v1.MusicService/Generate"
_HEALTH = "/grpc.health.v1.Health/Check"
_JSON = {"Content-Type": "application/json", "Prefer": "respond-async"}
_TIMEOUT_SECONDS = 180.0
_MIB = 1 << 20
_ATTACKERS = 6
_BODY_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Target:
    """A server that is attacked, and the object that measures its memory and the delay of its event loop."""

    address: str
    http_port: int
    watch: Watch

    def grpc(self, data: bytes, method: str = _GENERATE) -> str:
        """Send the serialized request message `data` to the gRPC method with the full name `method`; return the status,
        OK at the first response message.
        """
        with grpc.insecure_channel(self.address) as channel:
            call = channel.unary_stream(method, lambda sent: sent, lambda received: received)
            try:
                next(call(data, timeout=_TIMEOUT_SECONDS))
            except grpc.RpcError as error:
                found: grpc.StatusCode = error.code()
                return found.name
            return "OK"

    def rest(self, body: bytes, path: str = "/v1/audio/music/generate", method: str = "POST") -> str:
        """Send a body over REST; return the status code of the response, or the name of the error if there is no
        response.
        """
        connection = http.client.HTTPConnection("127.0.0.1", self.http_port, timeout=_TIMEOUT_SECONDS)
        try:
            connection.request(method, path, body, _JSON)
            return str(connection.getresponse().status)
        except OSError as error:
            return type(error).__name__
        finally:
            connection.close()


def _line(fault: str, attack: str, answer: str, suffered: Suffered, seconds: float) -> str:
    return (
        f"{fault:4} {attack:44} {answer:22} silent {suffered.silence_seconds * 1000:7.0f} ms  "
        f"server +{suffered.server_bytes / _MIB:6.1f} MiB  others +{suffered.others_bytes / _MIB:6.1f} MiB  "
        f"{seconds:6.2f} s"
    )


def _attacked(target: Target, fault: str, attack: str, send: Callable[[], str], times: int = 1) -> str:
    """Send a request `times` times at once; return the table line with the kind of the attack (`fault`, such as F1),
    its name, the responses and the cost: the longest response time of /livez, the growth of memory, and the time until
    the last response.
    """
    with target.watch.watching() as suffered, ThreadPoolExecutor(times) as senders:
        started = time.monotonic()
        answers = set(senders.map(lambda _: send(), range(times)))
        seconds = time.monotonic() - started
    return _line(fault, attack, ",".join(sorted(answers)), suffered, seconds)


def freeze(target: Target) -> Iterator[str]:
    """Send requests that are expensive to parse and check; yield a table line with how
    many MiB the server takes of each, and in which time."""
    size = 4 * _MIB - 4096
    over_grpc = {
        "gRPC, 100 kB of empty notes": payloads.empty_notes(100_000),
        "gRPC, 250 kB of empty notes": payloads.empty_notes(250_000),
        "gRPC, 512 empty notes": payloads.empty_notes(1024),
        "gRPC, 250 kB of stems": payloads.many_stems(250_000),
        "gRPC, 4 MiB of stems": payloads.many_stems(size),
        "gRPC, 4 MiB of unknown fields": payloads.unknown_fields(size),
        "gRPC, 90 unknown messages in one another": payloads.nested_unknown(90),
        "gRPC, 4 MiB of lyrics": payloads.with_lyrics("a" * size),
    }
    over_rest = {
        "REST, 300 kB of empty notes": payloads.json_notes(300_000),
        "REST, 20,000 unknown fields": payloads.json_unknown(20_000),
        "REST, 400,000 unknown fields": payloads.json_unknown(380_000),
        "REST, 100,000 lists in one another": payloads.json_nested(100_000),
        "REST, 250 kB of escapes": payloads.json_escapes(250_000),
        "REST, 4 MiB of escapes": payloads.json_escapes(size),
        "REST, 4 MiB of blanks": b" " * size + b"{}",
        "REST, 3 MB of base64": payloads.json_base64(3_000_000),
    }
    yield _attacked(target, "-", "nothing", lambda: "")
    for attack, data in over_grpc.items():
        yield _attacked(target, "F1", attack, lambda data=data: target.grpc(data))  # type: ignore[misc]
    health = payloads.unknown_fields(size)
    yield _attacked(target, "F1", "gRPC health, 4 MiB of unknown fields", lambda: target.grpc(health, _HEALTH))
    for attack, data in over_rest.items():
        yield _attacked(target, "F1", attack, lambda data=data: target.rest(data))  # type: ignore[misc]
    query = "/v1/audio/music?" + "&".join(f"a{number}=" for number in range(8_000))
    yield _attacked(target, "F1", "REST, a query of 8,000 fields", lambda: target.rest(b"", query, "GET"))
    for name, count in (("1.4 MB", 1_400_000), ("4 MiB", size)):
        notes = payloads.empty_notes(count)
        yield _attacked(target, "F1", f"gRPC, {name} of empty notes", lambda notes=notes: target.grpc(notes))  # type: ignore[misc]
    notes = payloads.json_notes(size)
    yield _attacked(target, "F1", "REST, 4 MiB of empty notes", lambda: target.rest(notes))


def lyrics(target: Target) -> Iterator[str]:
    """Send lyrics that are expensive to parse, also while a listener receives a song; yield a table line for each."""
    target.grpc(SONGS["spring"].SerializeToString())
    yield _listened(target, "nothing", (), 0)
    for name, text in payloads.hostile_lyrics():
        data = payloads.with_lyrics(text)
        yield _attacked(target, "F5", name, lambda data=data: target.grpc(data))  # type: ignore[misc]
    for name, text in list(payloads.hostile_lyrics())[1:3]:
        yield _listened(target, f"{_ATTACKERS} x {name}", (payloads.with_lyrics(text),), _ATTACKERS)
    midi_data = payloads.with_midi(payloads.midi_without_notes(63_000))
    yield _listened(target, "10 x MIDI without notes", (midi_data,), 10)


def _listened(target: Target, attack: str, data: Sequence[bytes], attackers: int) -> str:
    """Send the requests `data` repeatedly from `attackers` threads while a listener receives a song of 240 s; return a
    table line with the longest time between two of the listener's chunks.
    """
    over, refused = threading.Event(), [0]

    def attacking() -> None:
        while not over.is_set():
            for one in data:
                target.grpc(one)
                refused[0] += 1

    request = music_pb2.GenerateRequest()
    request.CopyFrom(SONGS["moonlight"])
    threads = [threading.Thread(target=attacking, daemon=True) for _ in range(attackers)]
    times: list[float] = []
    late = 0.0
    with grpc.insecure_channel(target.address) as channel, target.watch.watching() as suffered:
        generate = channel.unary_stream(
            _GENERATE, music_pb2.GenerateRequest.SerializeToString, music_pb2.GenerateResponse.FromString
        )
        for response in generate(request, timeout=_TIMEOUT_SECONDS):
            if response.event.WhichOneof("event") == "chunk":
                times.append(time.monotonic())
                late = max(late, times[-1] - times[0] - response.event.chunk.start_seconds)
            if len(times) == 1 and threads and not threads[0].ident:
                for thread in threads:
                    thread.start()
        over.set()
        for thread in threads:
            thread.join()
    silence = max(after - before for before, after in itertools.pairwise(times))
    line = _line("F5", f"heard beside {attack}", f"{refused[0]} refused", suffered, times[-1] - times[0])
    return f"{line}  longest wait for a chunk {silence:.2f} s, dry for {late:.2f} s"


def midi(target: Target) -> Iterator[str]:
    """Send MIDI files that are expensive to parse; yield a table line with how
    many MiB the server takes of each, and in which time."""
    target.grpc(SONGS["spring"].SerializeToString())
    for name, data in (
        ("a MIDI file of percussion", payloads.midi_without_notes(63_000)),
        ("a MIDI file of chords", payloads.midi_of_chords(63_000)),
    ):
        message = payloads.with_midi(data)
        yield _attacked(target, "F11", name, lambda message=message: target.grpc(message))  # type: ignore[misc]
        yield _attacked(target, "F11", f"60 x {name}", lambda message=message: target.grpc(message), 60)  # type: ignore[misc]


def answers(target: Target) -> Iterator[str]:
    """Send invalid requests, each of which must get a client error, not an internal error; yield a table line for
    each.
    """
    over_rest = {
        "F12 an integer of 401 digits": payloads.json_number(400),
        "F12 an integer of 5,000 digits": payloads.json_number(5_000),
        "F12 a lone surrogate as a name": b'{"a\\ud800":1}',
        "F12 a lone surrogate as a value": b'{"prompt":"\\ud800"}',
        "F20 a key twice": b'{"prompt":"one","prompt":"two"}',
        "F20 a key twice, inside": b'{"prompt":"one","audio":{"bitrate_kbps":96,"bitrate_kbps":128}}',
        "F20 UTF-16": '{"prompt":"x"}'.encode("utf-16"),
        "F20 UTF-32": '{"prompt":"x"}'.encode("utf-32"),
    }
    for attack, data in over_rest.items():
        yield f"{attack:50} {target.rest(data)}"
    for attack, value in (
        ("F12 page_size of 5,000 digits", "9" * 5000),
        ("F12 page_size of 300 digits", "9" * 300),
        ("F12 page_size in Arabic digits", "%D9%A1"),
    ):
        yield f"{attack:50} {target.rest(b'', f'/v1/audio/music?page_size={value}', 'GET')}"
    for attack, text in (
        ("F13 10,000 nines", "9" * 10_000),
        ("F13 5,000 nines in Chinese", "爱" + "9" * 5_000),
        ("F13 a price of 5,000 nines", "$" + "9" * 5_000),
        ("F13 an amount of 5,000 nines", "9" * 5_000 + "%"),
    ):
        yield f"{attack:50} {target.grpc(payloads.with_lyrics(text))}"


def body(target: Target) -> Iterator[str]:
    """Continue to send request bodies that the server has refused; yield a table line with how
    many MiB the server takes of each, and in which time."""
    refusals = {
        "a body that is no JSON": b"POST /v1/audio/music/generate HTTP/1.1\r\nContent-Type: text/plain\r\n",
        "a body that is too large": b"POST /v1/audio/music/generate HTTP/1.1\r\nContent-Type: application/json\r\n",
        "GET with a body": b"GET /livez HTTP/1.1\r\n",
        "nobody's path": b"POST /nowhere HTTP/1.1\r\n",
    }
    for attack, head in refusals.items():
        yield f"F19  {attack:44} {_sent(target.http_port, head) / _MIB:8.1f} MiB taken in {_BODY_SECONDS:g} s"

    yield _attacked(target, "F19", "250 kB of a body in chunks of one byte", lambda: _small_chunks(target.http_port))
    yield _attacked(target, "F19", "60 kB of headers", lambda: _headers(target.http_port))


def _small_chunks(port: int) -> str:
    head = b"POST /v1/audio/music/generate HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    return _answered(port, head + b"Transfer-Encoding: chunked\r\n\r\n" + b"1\r\n \r\n" * 250_000 + b"0\r\n\r\n")


def _headers(port: int) -> str:
    return _answered(port, b"GET /livez HTTP/1.1\r\nHost: x\r\n" + b"a:\r\n" * 15_000 + b"\r\n")


def _answered(port: int, data: bytes) -> str:
    """Send raw bytes to the HTTP port and return the status of the response."""
    with socket.create_connection(("127.0.0.1", port), timeout=_TIMEOUT_SECONDS) as connection:
        try:
            connection.sendall(data)
            return connection.recv(100).decode("latin-1")[9:12]
        except OSError as error:
            return type(error).__name__


def _sent(port: int, head: bytes) -> int:
    """Send an endless request body after the headers `head`, and return the number of bytes that the server accepts."""
    block, sent = b"x" * (1 << 16), 0
    framed = b"%x\r\n%b\r\n" % (len(block), block)
    until = time.monotonic() + _BODY_SECONDS
    with socket.create_connection(("127.0.0.1", port), timeout=_BODY_SECONDS) as connection:
        connection.sendall(head + b"Host: x\r\nTransfer-Encoding: chunked\r\n\r\n")
        try:
            while time.monotonic() < until:
                connection.sendall(framed)
                sent += len(block)
        except OSError:
            pass
    return sent
