"""Reads the tensors of a network from one safetensors file, or from several files (shards) listed in an index."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import safe_open

from model.engine import EngineUnavailable
from model.shared.checkpoints.headers import Header, Shapes, read_header


@dataclass(frozen=True, slots=True)
class Stored:
    """The safetensors files that contain a network's tensors, and the headers of these files. No tensor is in two
    files.
    """

    path: Path
    headers: Mapping[Path, Header]

    @property
    def shapes(self) -> Shapes:
        """Shapes of all tensors in the files, by tensor name."""
        return {name: shape for header in self.headers.values() for name, shape in header.shapes.items()}

    @property
    def file_bytes(self) -> int:
        """Size of all files together, in bytes."""
        return sum(header.file_bytes for header in self.headers.values())

    def tensors(self, device: torch.device, wanted: Callable[[str], bool]) -> dict[str, torch.Tensor]:
        """Return the tensors whose names `wanted` accepts, on `device`, in the data types of the files."""
        found = {}
        for path, header in self.headers.items():
            with safe_open(path, framework="pt", device=str(device)) as file:
                found.update({name: file.get_tensor(name) for name in header.shapes if wanted(name)})
        return found


def open_stored(path: Path) -> Stored:
    """Return the tensors in the file `path`, or in the shards of its index file if that exists instead; only the
    headers are read here.

    The index of "model.safetensors" is "model.safetensors.index.json".

    Raises:
        EngineUnavailable: a file is missing or damaged, or lacks a tensor that the index lists.
    """
    index = index_of(path)
    if path.is_file() or not index.is_file():
        return Stored(path, {path: read_header(path)})
    places = _places(index)
    headers = {path.parent / shard: read_header(path.parent / shard) for shard in sorted(set(places.values()))}
    for name, shard in places.items():
        if name not in headers[path.parent / shard].shapes:
            raise EngineUnavailable(
                f"{path.parent / shard} lacks the tensor {name}, which {index.name} lists: download both again"
            )
    if unlisted := {name for header in headers.values() for name in header.shapes} - places.keys():
        raise EngineUnavailable(f"{index} does not list the tensor {min(unlisted)} of its shards: download it again")
    return Stored(path, headers)


def index_of(path: Path) -> Path:
    """Return the path of the index file that lists the shards of the file `path`."""
    return path.with_name(f"{path.name}.index.json")


def _places(index: Path) -> Mapping[str, str]:
    """Read an index file, and return for each tensor's name the file name of the shard that contains it."""
    try:
        places = json.loads(index.read_text("utf-8"))["weight_map"]
        plain = {str(name): Path(shard).name for name, shard in places.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise EngineUnavailable(
            f"{index} is not a valid index of the files of weights ({error!r}): download it again"
        ) from error
    if plain != places:
        raise EngineUnavailable(f"{index} names a shard outside its own folder: download it again")
    return plain
