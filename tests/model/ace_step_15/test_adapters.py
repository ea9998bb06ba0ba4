"""Tests that a LoRA adapter beside the weights gives the same song as weights with the adapter merged into them."""

import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from model.ace_step_15.engine import AceStep15Engine
from model.ace_step_15.loading import names
from model.ace_step_15.loading.configs import MODEL
from model.ace_step_15.loading.networks import Networks
from model.ace_step_15.options import AceStep15Options
from model.engine import EngineUnavailable
from model.shared.checkpoints import lora
from model.shared.checkpoints.adapter_folders import WEIGHTS, adapters_in
from model.song import SongParams
from tests.model.ace_step_15.songs import begun, finish, made, params
from tests.support.ace_step_15_checkpoint import ADAPTED, write_adapter

TRANSFORMER = Path("transformer", "diffusion_pytorch_model.safetensors")
WEIGHT = 0.5


def asked(name: str | None = "rap") -> SongParams:
    return params(options=AceStep15Options(lora=name, lora_weight=WEIGHT if name else 1.0))


def merged(folder: Path, adapter: Path, into: Path) -> Path:
    """Copy the checkpoint in `folder` to `into`, merge a LoRA adapter with alpha = 2 * rank into the copied weights,
    and return `into`.
    """
    shutil.copytree(folder, into)
    weights, factors = load_file(into / TRANSFORMER), load_file(adapter / WEIGHTS[1])
    for name in ADAPTED:
        down, up = (factors[f"base_model.model.{name}.lora_{part}.weight"] for part in "AB")
        weights[f"{name.replace('q_proj', 'to_q')}.weight"] += 2 * WEIGHT * up @ down
    save_file(weights, into / TRANSFORMER)
    return into


def test_a_song_with_an_adapter_is_that_of_merged_weights(
    engine: AceStep15Engine, folder: Path, tmp_path: Path
) -> None:
    checkpoint = merged(folder, folder.parent / "loras" / "rap", tmp_path / "merged")
    with_merged = AceStep15Engine.load("cpu", checkpoint=str(checkpoint))
    expected = made(with_merged, asked(None)).trajectory.latents
    latents, plain = (made(engine, asked(name)).trajectory.latents for name in ("rap", None))
    scale = float(expected.abs().max())
    torch.testing.assert_close(latents, expected, rtol=0, atol=1e-5 * scale)
    assert float((plain - expected).abs().max()) > 0.01 * scale
    assert engine.info().loras == ("jazz trio", "rap")
    assert with_merged.info().loras == ()


def test_songs_with_unlike_adapters_take_turns_and_are_those_of_each_alone(engine: AceStep15Engine) -> None:
    chosen = ("rap", "jazz trio", None)
    plans = [engine.plan(asked(name)) for name in chosen]
    assert [engine.prepare(plan, 0).group for plan in plans] == ["rap 0.5", "jazz trio 0.5", ""]
    alone = [made(engine, asked(name)).trajectory.latents for name in chosen]
    together = [begun(engine, asked(name)) for name in chosen]
    while together[0].step < together[0].steps:
        for state in together:  # each alone, as the scheduler does for different groups
            engine.denoise([state])
    for state, expected in zip(together, alone, strict=True):
        assert torch.equal(state.trajectory.latents, expected)
    pair = [begun(engine, asked()), begun(engine, asked())]
    finish(engine, *pair)
    for state in pair:
        torch.testing.assert_close(state.trajectory.latents, alone[0], rtol=0, atol=1e-4)


@pytest.mark.parametrize(
    ("layer", "told"),
    [
        (
            ("layers.9.self_attn.q_proj",),
            r"changes layers.9.self_attn.to_q, which is not a linear layer of ACE-Step 1.5",
        ),
        (("layers.0.self_attn.k_proj",), r"changes layers.0.self_attn.to_k by \(64, 48\), whose weight is \(32, 48\)"),
    ],
)
def test_an_adapter_that_does_not_fit_is_named(
    networks: Networks, tmp_path: Path, layer: tuple[str, ...], told: str
) -> None:
    adapter = write_adapter(tmp_path / "wrong", names=layer)
    with pytest.raises(EngineUnavailable, match=told):
        lora.load(adapter, networks.transformer, MODEL, names.adapter)
    (adapter / WEIGHTS[1]).unlink()
    with pytest.raises(EngineUnavailable, match="has no LoRA adapter"):
        adapters_in(str(tmp_path), "loras")
    with pytest.raises(EngineUnavailable, match="which is not a folder"):
        adapters_in(str(tmp_path / "nowhere"), "loras")
