"""Prints protobuf messages as JSON, one line for each message."""

import sys
from typing import Annotated, TypeAlias

import typer
from google.protobuf.json_format import MessageToJson
from google.protobuf.message import Message

JsonOption: TypeAlias = Annotated[
    bool, typer.Option("--json", help="Print one JSON object per line, with the field names of the API.")
]


def print_json(message: Message) -> None:
    """Print a protobuf message as one line of JSON on standard output."""
    print_line(MessageToJson(message, preserving_proto_field_name=True, indent=None, ensure_ascii=False))


def print_line(text: str) -> None:
    """Print a line on standard output and flush it."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()
