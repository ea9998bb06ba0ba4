from pathlib import Path

import pytest
import torch
from torch import nn

from model.engine import EngineUnavailable
from model.weights import WeightsDamaged, WeightsMismatch, WeightsMissing, fill, load_weights, save_weights


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    path = tmp_path / "small.safetensors"
    save_weights(path, {"net.weight": torch.ones(2, 3), "net.bias": torch.zeros(2)}, {"width": 3})
    return path


def test_tensors_and_configuration_come_back(saved: Path) -> None:
    weights = load_weights(saved)
    assert weights.config == {"width": 3}
    assert set(weights.part("net.")) == {"weight", "bias"}


@pytest.mark.parametrize("suffix", [".safetensors", ".json"])
def test_a_missing_file_is_named(saved: Path, suffix: str) -> None:
    saved.with_suffix(suffix).unlink()
    with pytest.raises(WeightsMissing, match=f"small{suffix} is missing"):
        load_weights(saved)


def test_a_changed_file_is_noticed(saved: Path) -> None:
    saved.write_bytes(saved.read_bytes()[:-1] + b"x")
    with pytest.raises(WeightsDamaged):
        load_weights(saved)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"sha256": "0"}'])
def test_a_file_that_is_no_manifest_is_noticed(saved: Path, text: str) -> None:
    saved.with_suffix(".json").write_text(text)
    with pytest.raises(WeightsDamaged, match="not a manifest of weights; restore the file"):
        load_weights(saved)


def test_a_tensor_too_many_is_refused(saved: Path) -> None:
    with pytest.raises(WeightsMismatch, match="such as more; restore the file"):
        fill(nn.Linear(3, 2), {**load_weights(saved).part("net."), "more": torch.zeros(1)})


def test_half_precision_fills_a_module_of_full_precision(saved: Path) -> None:
    layer = nn.Linear(3, 2)
    fill(layer, {name: tensor.half() for name, tensor in load_weights(saved).part("net.").items()})
    assert layer.weight.dtype is torch.float32
    assert torch.equal(layer.weight, torch.ones(2, 3))


@pytest.mark.parametrize("module", [nn.Linear(3, 2, bias=False), nn.Linear(4, 2)])
def test_tensors_of_another_network_are_refused(saved: Path, module: nn.Module) -> None:
    with pytest.raises(WeightsMismatch):
        fill(module, load_weights(saved).part("net."))


def test_unusable_weights_make_an_engine_unavailable_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(EngineUnavailable, match=r"nowhere\.safetensors"):
        load_weights(tmp_path / "nowhere.safetensors")
