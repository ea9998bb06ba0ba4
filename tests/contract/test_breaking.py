"""Tests that `make check` finds breaking changes in the whole contract, such as a renamed field of any message."""

import json
import subprocess
import sysconfig
from collections.abc import Iterator
from pathlib import Path

from google.protobuf.descriptor_pb2 import DescriptorProto, EnumDescriptorProto, FileDescriptorSet

ROOT = Path(__file__).resolve().parents[2]
BASELINE = ROOT / "protos" / "baseline.binpb"
OWN = "melisma/v1/music.proto"
BUF = Path(sysconfig.get_path("scripts")) / "buf"


def contract() -> FileDescriptorSet:
    return FileDescriptorSet.FromString(BASELINE.read_bytes())


def messages(files: FileDescriptorSet) -> Iterator[DescriptorProto]:
    for file in files.file:
        if file.name == OWN:
            yield from file.message_type


def enums(files: FileDescriptorSet) -> Iterator[EnumDescriptorProto]:
    for file in files.file:
        if file.name == OWN:
            yield from file.enum_type


def breaks(files: FileDescriptorSet, folder: Path) -> str:
    """Return the breaking changes of `files` against the baseline of the contract, as `buf breaking` reports them."""
    image = folder / "image.binpb"
    image.write_bytes(files.SerializeToString())
    against = ("--against", BASELINE, "--config", ROOT / "protos" / "buf.yaml", "--error-format", "json")
    done = subprocess.run([BUF, "breaking", image, *against], capture_output=True, text=True, check=False)
    assert done.stderr == ""
    return "\n".join(json.loads(line)["message"] for line in done.stdout.splitlines())


def test_the_contract_itself_breaks_nothing(tmp_path: Path) -> None:
    assert breaks(contract(), tmp_path) == ""


def test_a_renamed_field_of_any_message_is_found(tmp_path: Path) -> None:
    files = contract()
    renamed = [(message.name, message.field[-1].name) for message in messages(files) if message.field]
    for message in messages(files):
        for field in message.field[-1:]:
            field.name, field.json_name = f"{field.name}_x", f"{field.json_name}X"
    found = breaks(files, tmp_path)
    assert [one for one in renamed if f'on message "{one[0]}" changed name from "{one[1]}"' not in found] == []


def test_a_renamed_value_of_any_enum_is_found(tmp_path: Path) -> None:
    files = contract()
    renamed = [(enum.name, enum.value[-1].name) for enum in enums(files)]
    for enum in enums(files):
        enum.value[-1].name += "_X"
    found = breaks(files, tmp_path)
    assert [one for one in renamed if f'on enum "{one[0]}" changed name from "{one[1]}"' not in found] == []
