import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from model.engine import EngineUnavailable
from model.shared.checkpoints.stored import open_stored

WHOLE = {"a.weight": torch.ones(2, 3), "b.weight": torch.zeros(4), "c.bias": torch.full((1,), 2.0)}


def write_shards(folder: Path, places: dict[str, str]) -> Path:
    for shard in set(places.values()):
        save_file({name: WHOLE[name] for name in places if places[name] == shard}, folder / shard)
    (folder / "model.safetensors.index.json").write_text(json.dumps({"metadata": {}, "weight_map": places}), "utf-8")
    return folder / "model.safetensors"


def test_shards_are_read_as_one_file(tmp_path: Path) -> None:
    path = write_shards(tmp_path, {"a.weight": "1.safetensors", "b.weight": "2.safetensors", "c.bias": "1.safetensors"})
    save_file(WHOLE, tmp_path / "whole.safetensors")
    for stored in (open_stored(path), open_stored(tmp_path / "whole.safetensors")):
        assert stored.shapes == {name: tuple(tensor.shape) for name, tensor in WHOLE.items()}
        found = stored.tensors(torch.device("cpu"), lambda name: name != "b.weight")
        assert found.keys() == {"a.weight", "c.bias"}
        assert all(torch.equal(tensor, WHOLE[name]) for name, tensor in found.items())
        assert stored.file_bytes == sum(part.stat().st_size for part in stored.headers)


def test_an_index_that_does_not_fit_its_shards_is_refused(tmp_path: Path) -> None:
    path = write_shards(tmp_path, {"a.weight": "1.safetensors", "b.weight": "1.safetensors"})
    index = path.with_name("model.safetensors.index.json")
    for places, told in (
        ({"a.weight": "1.safetensors", "x": "1.safetensors"}, "lacks the tensor x"),
        ({"a.weight": "1.safetensors"}, "does not list the tensor b.weight"),
        ({"a.weight": "../1.safetensors"}, "outside its own folder"),
        ({"a.weight": "2.safetensors"}, "cannot be read"),
        ([], "is not a valid index"),
    ):
        index.write_text(json.dumps({"weight_map": places}), "utf-8")
        with pytest.raises(EngineUnavailable, match=told):
            open_stored(path)
    index.unlink()
    with pytest.raises(EngineUnavailable, match=r"model\.safetensors cannot be read"):
        open_stored(path)
