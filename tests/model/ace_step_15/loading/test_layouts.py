"""Tests that both layouts of a checkpoint give the same networks, and that tensors which do not fit are named."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from model.ace_step_15.loading.folders import Folders
from model.ace_step_15.loading.hub import folders_of
from model.ace_step_15.loading.networks import Networks, faults, load
from model.ace_step_15.networks.config import Variant
from model.ace_step_15.settings import AceStep15Settings
from model.engine import EngineUnavailable
from tests.support.ace_step_15 import DATA

CHECKPOINT = DATA / "checkpoint"
WEIGHTS = "diffusion_pytorch_model.safetensors"
PREFIXES = {
    "transformer": "decoder.", "condition_encoder": "encoder.", "audio_tokenizer": "tokenizer.",
    "audio_token_detokenizer": "detokenizer.",
}  # fmt: skip
BACK = {
    ".to_q.": ".q_proj.", ".to_k.": ".k_proj.", ".to_v.": ".v_proj.", ".to_out.0.": ".o_proj.", ".norm_q.": ".q_norm.",
    ".norm_k.": ".k_norm.", "proj_in_conv.": "proj_in.1.", "proj_out_conv.": "proj_out.1.",
}  # fmt: skip
SHARED = ("hidden_size", "intermediate_size", "num_attention_heads", "num_key_value_heads")


def original_name(part: str, name: str) -> str:
    if name == "null_condition_emb":
        return name
    for here, there in BACK.items():
        name = name.replace(here, there)
    return PREFIXES[part] + name


def write_original(folder: Path, *, shards: int = 1, variant: str = "sft") -> Path:
    """Write the tiny checkpoint in the original layout: one config for all networks, their weights in `shards` files,
    and the latents of silence in torch's format. The folder with the model is named after `variant`. Return `folder`.
    """
    model = folder / f"acestep-v15-{variant}"
    model.mkdir(parents=True)
    shutil.copytree(CHECKPOINT / "vae", folder / "vae")
    shutil.copytree(CHECKPOINT / "text_encoder", folder / "Qwen3-Embedding-0.6B")
    shutil.copy(CHECKPOINT / "tokenizer" / "tokenizer.json", folder / "Qwen3-Embedding-0.6B")
    configs = {part: json.loads((CHECKPOINT / part / "config.json").read_text("utf-8")) for part in PREFIXES}
    whole = configs["audio_tokenizer"] | configs["condition_encoder"] | configs["transformer"]
    # The tiny denoiser is wider than its encoders, like the denoiser of the XL model.
    whole |= {f"encoder_{name}": configs["condition_encoder"][name] for name in SHARED}
    for absent in ("fsq_dim", "fsq_input_levels", "pool_window_size", "num_attention_pooler_hidden_layers", "is_turbo"):
        whole.pop(absent)
    kinds = ["sliding_attention", "full_attention"] * 2
    (model / "config.json").write_text(json.dumps(whole | {"model_version": variant, "layer_types": kinds}), "utf-8")
    tensors = {}
    for part in PREFIXES:
        for name, tensor in load_file(CHECKPOINT / part / WEIGHTS).items():
            tensors[original_name(part, name)] = tensor
    torch.save(tensors.pop("encoder.silence_latent").transpose(1, 2).contiguous(), model / "silence_latent.pt")
    write_shards(model, tensors, shards)
    return folder


def write_shards(model: Path, tensors: dict[str, torch.Tensor], shards: int) -> None:
    if shards == 1:
        save_file(tensors, model / "model.safetensors")
        return
    places = {name: f"model-{index % shards}.safetensors" for index, name in enumerate(tensors)}
    for shard in set(places.values()):
        save_file({name: tensor for name, tensor in tensors.items() if places[name] == shard}, model / shard)
    (model / "model.safetensors.index.json").write_text(json.dumps({"weight_map": places}), "utf-8")


def same(found: Networks, expected: Networks) -> None:
    for name in ("transformer", "conditions", "codec", "text_encoder", "audio_tokenizer", "audio_detokenizer"):
        ours, theirs = getattr(found, name).state_dict(), getattr(expected, name).state_dict()
        assert ours.keys() == theirs.keys()
        assert all(torch.equal(ours[key], theirs[key]) for key in ours)


def folders(folder: Path, model: str = "acestep-v15-sft") -> Folders:
    return folders_of(AceStep15Settings(checkpoint=str(folder), model=model))


def opened(folder: Path, model: str = "acestep-v15-sft") -> Networks:
    return load(folders(folder, model), torch.device("cpu"), torch.float32)


def test_the_original_layout_holds_the_same_networks(networks: Networks, tmp_path: Path) -> None:
    whole = opened(write_original(tmp_path / "whole"))
    same(whole, networks)
    assert whole.transformer.config.variant is Variant.SFT
    assert networks.transformer.config.variant is Variant.BASE
    folder = write_original(tmp_path / "shards", shards=3, variant="turbo-shift3")
    same(opened(folder / "acestep-v15-turbo-shift3", ""), networks)
    assert opened(folder, "acestep-v15-turbo-shift3").transformer.config.variant is Variant.TURBO


def test_faults_are_named(tmp_path: Path) -> None:
    def without(folder: Path, name: str) -> None:
        (folder / name).unlink()

    def cut(folder: Path, name: str) -> None:
        (folder / name).write_bytes((folder / name).read_bytes()[:-8])

    def unlike(folder: Path, name: str) -> None:
        tensors = load_file(folder / name)
        first = min(tensors)
        tensors["stranger"] = tensors.pop(first)
        save_file(tensors, folder / name)

    def code(folder: Path, name: str) -> None:
        (folder / name).write_bytes(b"\x80\x02cos\nsystem\n(S'false'\ntR.")

    model = "acestep-v15-sft"
    table: list[tuple[Callable[[Path, str], None], str, str]] = [
        (without, f"{model}/silence_latent.pt", "is missing"),
        (without, "vae/config.json", "is missing"),
        (without, f"{model}/model.safetensors", "is missing"),
        (cut, "vae/diffusion_pytorch_model.safetensors", "download it again"),
        (unlike, "Qwen3-Embedding-0.6B/model.safetensors", "lacks the tensor|does not have"),
        (unlike, f"{model}/model.safetensors", "does not have"),
        (code, f"{model}/silence_latent.pt", "cannot be read"),
    ]
    for number, (spoil, name, told) in enumerate(table):
        folder = write_original(tmp_path / str(number))
        spoil(folder, name)
        assert faults(folders(folder))
        with pytest.raises(EngineUnavailable, match=told):
            opened(folder)
    with pytest.raises(EngineUnavailable, match="is not a folder"):
        folders(tmp_path / "nowhere")
    (tmp_path / "empty").mkdir()
    assert all("is missing" in fault for fault in faults(folders(tmp_path / "empty")))


def test_a_checkpoint_without_audio_tokenizers_can_be_loaded(tmp_path: Path) -> None:
    shutil.copytree(CHECKPOINT, tmp_path / "checkpoint")
    for part in ("audio_tokenizer", "audio_token_detokenizer"):
        shutil.rmtree(tmp_path / "checkpoint" / part)
    found = opened(tmp_path / "checkpoint")
    assert found.audio_tokenizer is None
    assert found.audio_detokenizer is None
