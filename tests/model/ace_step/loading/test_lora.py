from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from model.ace_step.engine import AceStepEngine
from model.ace_step.options import AceStepOptions
from model.engine import EngineUnavailable
from model.shared.checkpoints import lora
from model.shared.checkpoints.adapter_folders import WEIGHTS
from model.song import InvalidParams, SongParams
from tests.support.ace_step import TRANSFORMER, ace_step_options, write_adapter

WIDTH = TRANSFORMER.width


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> AceStepEngine:
    folder = tmp_path_factory.mktemp("lora")
    loras = {"rap": str(write_adapter(folder / "rap", "transformer_blocks.0.cross_attn.to_v"))}
    return AceStepEngine.load("cpu", **ace_step_options(folder) | {"loras": loras})


def test_an_adapter_adds_the_product_of_its_factors(tmp_path: Path) -> None:
    model = torch.nn.Sequential()
    model.add_module("a", torch.nn.Linear(WIDTH, WIDTH))
    adapter = lora.load(write_adapter(tmp_path / "a", "a", lora_alpha=8, use_rslora=True), model, "it")
    lora.attach(model)
    x, pair = torch.randn(3, WIDTH), adapter["a"]
    plain = model(x)
    assert pair.scale == pytest.approx(8 / 4**0.5)
    with lora.active(adapter, 0.5):
        torch.testing.assert_close(model(x), plain + x @ pair.down.T @ pair.up.T * pair.scale * 0.5)
    torch.testing.assert_close(model(x), plain)


def test_songs_with_and_without_an_adapter_never_share_a_step_and_differ(engine: AceStepEngine) -> None:
    latents, groups = [], []
    for name in (None, "rap", None):
        plan = engine.plan(SongParams("pop", "", 1, 10.0, steps=3, options=AceStepOptions(lora=name)))
        conditions = engine.prepare(plan, 0)
        state = engine.begin(plan, 0, conditions, None)
        while state.step < state.steps:
            engine.denoise([state])
        latents.append(state.trajectory.latents)  # type: ignore[attr-defined]
        groups.append(conditions.group)
    assert groups == ["", "rap 1", ""]
    assert torch.equal(latents[0], latents[2])
    assert not torch.equal(latents[0], latents[1])


def test_an_unknown_adapter_is_refused_with_those_that_there_are(engine: AceStepEngine) -> None:
    assert engine.info().loras == ("rap",)
    with pytest.raises(InvalidParams, match="LoRA adapters of this server: rap"):
        engine.plan(SongParams("pop", "", 1, 10.0, options=AceStepOptions(lora="jazz")))


def test_what_does_not_fit_is_named(tmp_path: Path) -> None:
    model = torch.nn.Sequential(torch.nn.Linear(WIDTH, WIDTH))
    with pytest.raises(EngineUnavailable, match="changes nowhere"):
        lora.load(write_adapter(tmp_path / "a", "nowhere"), model, "it")
    with pytest.raises(EngineUnavailable, match=r"the LoRA adapter .* cannot be read"):
        lora.load(tmp_path, model, "it")
    half = tmp_path / "half"
    half.mkdir()
    for tensors, told in (
        ({"0.lora_A.weight": torch.zeros(4, WIDTH)}, "changes 0, and lacks one of its two factors"),
        ({"0.lora_A.weight": torch.zeros(4, WIDTH), "0.lora_B.weight": torch.zeros(WIDTH, 3)}, "whose weight is"),
        ({"0.bias": torch.zeros(WIDTH)}, r"changes 0.bias, which is not a linear layer of it"),
    ):
        save_file(tensors, half / WEIGHTS[1])
        with pytest.raises(EngineUnavailable, match=told):
            lora.load(half, model, "it")
