"""Sends requests to a server with the generated stubs of another checkout: reads JSON requests, and writes JSON
responses.

The script is run by its path in a separate process, so that nothing of its own checkout is imported. Sound is replaced
by its size and checksum.
"""

import base64
import hashlib
import json
import sys
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
from google.protobuf.descriptor import Descriptor
from google.protobuf.json_format import MessageToDict, ParseDict
from google.protobuf.message import Message
from google.rpc.error_details_pb2 import DESCRIPTOR
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_status import rpc_status

from melisma.v1 import music_pb2, music_pb2_grpc

DETAILS = DESCRIPTOR
"""Types of error details, which must be imported so that details can be converted to JSON."""

VALUES = frozenset(value for enum in music_pb2.DESCRIPTOR.enum_types_by_name.values() for value in enum.values_by_name)
"""The values of all enums of the API."""

START_SECONDS = 240.0
CALL_SECONDS = 240.0
STREAMS = ("Generate", "Listen")


class Recorder:
    """Sends requests to one server and records the responses.

    `renamed` maps old paths of request fields to new ones, and `renamed_values` old prefixes of enum values. Names that
    this checkout does not have are not changed.
    """

    def __init__(self, channel: grpc.Channel, renamed: Mapping[str, str], renamed_values: Mapping[str, str]) -> None:
        self._stub = music_pb2_grpc.MusicServiceStub(channel)
        self._renamed = {old: new for old, new in renamed.items() if set(new.split(".")) <= field_names()}
        self._renamed_values = renamed_values
        self._songs: dict[str, str] = {}

    def record(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        """Send one request, and return all its responses."""
        messages: list[dict[str, Any]] = []
        sound = hashlib.sha256()
        try:
            for message in self._answers(asked["method"], self._filled(asked["fields"])):
                delivered = MessageToDict(message, preserving_proto_field_name=True)
                messages.append(delivered.get("event", delivered))
                self._note_song(asked["name"], messages[-1])
                sound.update(taken_sound(messages[-1]))
            return {"messages": messages, "sound": sound.hexdigest()}
        except grpc.RpcError as error:
            return {"messages": messages, "sound": sound.hexdigest(), "error": error_json(error)}

    def _answers(self, method: str, fields: dict[str, Any]) -> Iterator[Message]:
        request = ParseDict(fields, getattr(music_pb2, f"{method}Request")())
        answer: Any = getattr(self._stub, method)(request, timeout=CALL_SECONDS)
        return iter(answer) if method in STREAMS else iter([answer])

    def _filled(self, fields: Any) -> Any:
        """Return the fields of a request under the names that they have in this checkout; "song of <name of a request>"
        is replaced by the id of that request's song.
        """
        if isinstance(fields, dict):
            return self._renamed_fields({name: self._filled(value) for name, value in fields.items()})
        if isinstance(fields, list):
            return list(map(self._filled, fields))
        for old, new in self._renamed_values.items():
            if isinstance(fields, str) and (value := fields.replace(old, new, 1)) in VALUES:
                return value
        if isinstance(fields, str) and fields.startswith("song of "):
            return self._songs.get(fields.removeprefix("song of "), "song-none")
        return fields

    def _renamed_fields(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for name, value in fields.items():
            parent, _, own = self._renamed.get(name, name).rpartition(".")
            (found.setdefault(parent, {}) if parent else found)[own] = value
        return found

    def _note_song(self, name: str, message: Mapping[str, Any]) -> None:
        if "accepted" in message:
            self._songs[name] = message["accepted"]["song_id"]


def taken_sound(message: dict[str, Any]) -> bytes:
    """Replace the sound in a message by its size and checksum, and return the sound."""
    chunk = message.get("chunk", {})
    data = base64.b64decode(chunk.get("data", ""))
    if data:
        chunk["data"] = f"{len(data)} bytes, SHA-256 {hashlib.sha256(data).hexdigest()}"
    return data


def error_json(error: Any) -> dict[str, Any]:
    """Return an error with its details as JSON values."""
    status = rpc_status.from_call(error)
    details = MessageToDict(status, preserving_proto_field_name=True).get("details", []) if status else []
    return {"code": error.code().name, "message": error.details(), "details": details}


def field_names() -> frozenset[str]:
    """Return the names of all fields of the API."""
    return frozenset(
        name for message in music_pb2.DESCRIPTOR.message_types_by_name.values() for name in _names_of(message)
    )


def _names_of(message: Descriptor) -> Iterator[str]:
    yield from message.fields_by_name
    for nested in message.nested_types:
        yield from _names_of(nested)


def wait_until_serving(channel: grpc.Channel) -> None:
    """Wait until the server's health is SERVING."""
    watch: Any = health_pb2_grpc.HealthStub(channel)
    answers = watch.Watch(health_pb2.HealthCheckRequest(), timeout=START_SECONDS)
    next(answer for answer in answers if answer.status == health_pb2.HealthCheckResponse.SERVING)
    answers.cancel()


def main() -> None:
    """Read the address and the requests from standard input; write one record for each request, in their order.

    The requests are divided into rounds (lists): those of one round are sent at the same time, the rounds one after the
    other.
    """
    order = json.load(sys.stdin)
    with grpc.insecure_channel(order["address"]) as channel:
        wait_until_serving(channel)
        recorder = Recorder(channel, order["renamed"], order["renamed_values"])
        records: list[dict[str, Any]] = []
        for requests in order["rounds"]:
            with ThreadPoolExecutor(len(requests)) as threads:
                records += threads.map(recorder.record, requests)
    json.dump(records, sys.stdout)


if __name__ == "__main__":
    main()
