"""Tests that released checkpoints in newer and older formats can be loaded, and that tensors which do not fit are
named.
"""

import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from huggingface_hub.errors import EntryNotFoundError
from safetensors.torch import load_file, save_file

from model.engine import EngineUnavailable
from model.musicgen.loading.folders import CONFIG, PREPROCESSOR, TOKENIZER, WEIGHTS
from model.musicgen.loading.hub import folder_of
from model.musicgen.loading.networks import Networks, faults, load
from model.musicgen.settings import MusicGenSettings
from model.shared.checkpoints import repository
from tests.support.musicgen_checkpoint import MELODY, MONO, write_checkpoint

CPU = torch.device("cpu")
ACCEPTED: Mapping[str, Any] = {"accept_licence": "CC-BY-NC-4.0"}


def same(found: Networks, expected: Networks) -> None:
    for name in ("decoder", "projections", "codec", "text_encoder"):
        ours, theirs = getattr(found, name).state_dict(), getattr(expected, name).state_dict()
        assert ours.keys() == theirs.keys()
        assert all(torch.equal(ours[key], theirs[key]) for key in ours), name


def test_older_and_sharded_files_hold_the_same_networks(tmp_path: Path) -> None:
    expected = load(write_checkpoint(tmp_path / "new", MELODY), CPU, torch.float32)
    old = write_checkpoint(tmp_path / "old", MELODY)
    tensors = load_file(old / WEIGHTS)
    # Older releases use other names for normalised weights, store position embeddings, and store the token embeddings
    # twice.
    split = re.compile(r"parametrizations\.weight\.original([01])$")
    tensors = {split.sub(lambda found: "weight_" + "gv"[int(found[1])], name): each for name, each in tensors.items()}
    tensors["decoder.model.decoder.embed_positions.weights"] = torch.zeros(64, 32)
    tensors["text_encoder.encoder.embed_tokens.weight"] = tensors["text_encoder.shared.weight"].clone()
    places = {name: f"model-{index % 3}.safetensors" for index, name in enumerate(tensors)}
    for shard in set(places.values()):
        save_file({name: each for name, each in tensors.items() if places[name] == shard}, old / shard)
    (old / f"{WEIGHTS}.index.json").write_text(json.dumps({"weight_map": places}), "utf-8")
    (old / WEIGHTS).unlink()
    assert faults(old) == []
    same(load(old, CPU, torch.float32), expected)


def test_the_codec_keeps_float32(tmp_path: Path) -> None:
    networks = load(write_checkpoint(tmp_path / "checkpoint"), CPU, torch.bfloat16)
    assert networks.decoder.dtype is torch.bfloat16
    assert {parameter.dtype for parameter in networks.codec.parameters()} == {torch.float32}


def without(folder: Path, name: str) -> None:
    (folder / name).unlink()


def cut(folder: Path, name: str) -> None:
    (folder / name).write_bytes((folder / name).read_bytes()[:-8])


def changed(*path: str, value: object) -> Callable[[Path, str], None]:
    def change(folder: Path, name: str) -> None:
        values = json.loads((folder / name).read_text("utf-8"))
        place = values
        for key in path[:-1]:
            place = place[key]
        place[path[-1]] = value
        (folder / name).write_text(json.dumps(values), "utf-8")

    return change


def renamed(folder: Path, name: str) -> None:
    tensors = load_file(folder / name)
    tensors["decoder.model.decoder.stranger"] = tensors.pop("decoder.lm_heads.0.weight")
    tensors["stranger"] = torch.zeros(1)
    save_file(tensors, folder / name)


def test_faults_are_named(tmp_path: Path) -> None:
    table: list[tuple[Callable[[Path, str], None], str, str]] = [
        (without, CONFIG, r"config\.json is missing"),
        (without, TOKENIZER, r"tokenizer\.json is missing"),
        (without, WEIGHTS, r"model\.safetensors is missing"),
        (cut, WEIGHTS, "download it again"),
        (cut, TOKENIZER, "is not a tokenizer"),
        (renamed, WEIGHTS, r"lacks the tensor lm_heads\.0\.weight.*a tensor stranger .*a tensor stranger that"),
        (changed("model_type", value="llama"), CONFIG, "model_type = 'llama'"),
        (changed("audio_encoder", "use_causal_conv", value=True), CONFIG, "use_causal_conv = True"),
        (changed("decoder", "num_codebooks", value=8), CONFIG, "num_codebooks = 8, but for MusicGen it must be 4"),
        (changed("decoder", "ffn_dim", value=128), CONFIG, r"with the shape \[64, 32\], not \[128, 32\]"),
        (changed("text_encoder", value={}), CONFIG, "lacks 'vocab_size'"),
    ]
    for number, (spoil, name, told) in enumerate(table):
        folder = write_checkpoint(tmp_path / str(number), MONO)
        spoil(folder, name)
        assert faults(folder)
        with pytest.raises(EngineUnavailable, match=told):
            load(folder, CPU, torch.float32)


def test_the_files_of_a_repository_are_fetched_and_no_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    index = f"{WEIGHTS}.index.json"
    there = {
        "facebook/musicgen-small": (CONFIG, TOKENIZER, WEIGHTS),
        "facebook/musicgen-melody": (CONFIG, TOKENIZER, PREPROCESSOR, index, "1.safetensors", "2.safetensors"),
    }
    asked: list[str] = []
    for name, files in there.items():
        for file in files:
            (tmp_path / name).mkdir(parents=True, exist_ok=True)
            (tmp_path / name / file).write_text('{"weight_map": {"a": "1.safetensors", "b": "2.safetensors"}}', "utf-8")

    def download(name: str, file: str, **_settings: object) -> str:
        if not (tmp_path / name / file).is_file():
            raise EntryNotFoundError(f"no {file}")
        asked.append(file)
        return str(tmp_path / name / file)

    monkeypatch.setattr(repository, "hf_hub_download", download)
    for name, files in there.items():
        settings = MusicGenSettings(checkpoint=name, **ACCEPTED)
        asked.clear()
        assert folder_of(settings) == tmp_path / name
        assert set(asked) == set(files)
        asked.clear()
        folder_of(settings, weights=False)
        assert [file for file in asked if "safetensors" in file] == []
    with pytest.raises(EngineUnavailable, match=r"has no file config\.json.*checkpoint of MusicGen.*'checkpoint'"):
        folder_of(MusicGenSettings(checkpoint="somebody/else"))
    with pytest.raises(EngineUnavailable, match="is not a folder"):
        folder_of(MusicGenSettings(checkpoint=str(tmp_path / "nowhere")))


def test_offline_without_a_download_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(EngineUnavailable, match=r"is not in the cache and cannot be downloaded.*'offline'"):
        folder_of(MusicGenSettings(cache=str(tmp_path), offline=True, **ACCEPTED))
