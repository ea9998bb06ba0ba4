"""Reads the headers of safetensors files: names and shapes of their tensors, without the tensors."""

import json
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from model.engine import EngineUnavailable

Shapes = Mapping[str, tuple[int, ...]]
"""Shapes of tensors by name."""

_LENGTH = struct.Struct("<Q")
_HEADER_LIMIT = 100_000_000
_POINTER = b"version https://git-lfs"


@dataclass(frozen=True, slots=True)
class Header:
    """Header of a safetensors file: the shapes of its tensors by name, and the length in bytes that the file must
    have.
    """

    shapes: Shapes
    file_bytes: int


def read_header(path: Path) -> Header:
    """Read the header of a safetensors file and return it, without reading the tensors.

    Raises:
        EngineUnavailable: the file is missing, is a Git LFS pointer, is not a safetensors file, or is cut off.
    """
    try:
        with path.open("rb") as file:
            start = file.read(_LENGTH.size)
            if start and _POINTER.startswith(start):
                raise EngineUnavailable(
                    f"{path} is a Git LFS pointer, not the file itself: run 'git lfs pull' in its folder"
                )
            length = _LENGTH.unpack(start)[0] if len(start) == _LENGTH.size else _HEADER_LIMIT
            values = json.loads(file.read(length)) if length < _HEADER_LIMIT else None
    except OSError as error:
        raise EngineUnavailable(f"{path} cannot be read ({error.strerror}): correct its path or permissions") from error
    except ValueError as error:
        raise EngineUnavailable(
            f"{path} is not a safetensors file, or its header is cut off: download it again"
        ) from error
    if not isinstance(values, dict):
        raise EngineUnavailable(f"{path} is not a safetensors file: download it again")
    header = _header(values, _LENGTH.size + length)
    if (size := path.stat().st_size) != header.file_bytes:
        raise EngineUnavailable(f"{path} has only {size:,} of {header.file_bytes:,} bytes: download it again")
    return header


def compare(path: Path, found: Shapes, wanted: Shapes, model: str) -> Iterator[str]:
    """Yield one sentence for each tensor of the file `path` that is missing, unknown to `model`, or has another shape.
    `found` are the shapes in the file, `wanted` those that the networks of `model` have.
    """
    for name, shape in wanted.items():
        if name not in found:
            yield f"{path} lacks the tensor {name}"
        elif found[name] != shape:
            yield f"{path} has the tensor {name} with the shape {list(found[name])}, not {list(shape)}"
    for name in sorted(found.keys() - wanted.keys()):
        yield f"{path} has a tensor {name} that {model} does not have"


def _header(values: Mapping[str, Mapping[str, list[int]]], start: int) -> Header:
    tensors = {name: value for name, value in values.items() if name != "__metadata__"}
    shapes = {name: tuple(value["shape"]) for name, value in tensors.items()}
    return Header(shapes, start + max((value["data_offsets"][1] for value in tensors.values()), default=0))
