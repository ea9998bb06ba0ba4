"""Tests of checkpoints on the Hugging Face hub: the files that are downloaded for each layout, and the messages if a
file is not available.
"""

from pathlib import Path

import pytest
from huggingface_hub.errors import EntryNotFoundError

from model.ace_step_15.loading import hub
from model.ace_step_15.loading.folders import Folders
from model.ace_step_15.settings import RELEASED, AceStep15Settings
from model.engine import EngineUnavailable
from model.shared.checkpoints import repository

MODEL = ("config.json", "model.safetensors", "silence_latent.pt")
PARTS = (
    "vae/config.json", "vae/diffusion_pytorch_model.safetensors", "Qwen3-Embedding-0.6B/config.json",
    "Qwen3-Embedding-0.6B/model.safetensors", "Qwen3-Embedding-0.6B/tokenizer.json",
)  # fmt: skip
DIFFUSERS = (
    "model_index.json", "tokenizer/tokenizer.json", "transformer/config.json",
    "transformer/diffusion_pytorch_model.safetensors.index.json", "transformer/1.safetensors",
    "transformer/2.safetensors", "condition_encoder/config.json",
    "condition_encoder/diffusion_pytorch_model.safetensors", "vae/config.json",
    "vae/diffusion_pytorch_model.safetensors", "text_encoder/config.json", "text_encoder/model.safetensors",
)  # fmt: skip
REPOSITORIES = {
    RELEASED: [f"acestep-v15-turbo/{name}" for name in MODEL] + list(PARTS),
    "ACE-Step/acestep-v15-sft": list(MODEL),
    "somebody/xl": list(DIFFUSERS),
}


@pytest.fixture
def fetched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Replace the download function by one for the repositories in `REPOSITORIES`; return the list of downloaded files,
    as "repository/file".
    """
    asked: list[str] = []
    for name, files in REPOSITORIES.items():
        for file in files:
            path = tmp_path / name / file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text('{"weight_map": {"a": "1.safetensors", "b": "2.safetensors"}}', "utf-8")

    def download(name: str, file: str, **_settings: object) -> str:
        path = tmp_path / name / file
        if not path.is_file():
            raise EntryNotFoundError(f"no {file}")
        asked.append(f"{name}/{file}")
        return str(path)

    monkeypatch.setattr(repository, "hf_hub_download", download)
    return asked


def test_the_files_of_a_layout_are_fetched_and_no_others(fetched: list[str], tmp_path: Path) -> None:
    released, sft, diffusers = (tmp_path / name for name in REPOSITORIES)
    assert hub.folders_of(AceStep15Settings()) == Folders(released / "acestep-v15-turbo", released)
    assert set(fetched) == {f"{RELEASED}/{file}" for file in REPOSITORIES[RELEASED]}
    fetched.clear()
    settings = AceStep15Settings(checkpoint="ACE-Step/acestep-v15-sft", model="", parts=RELEASED)
    assert hub.folders_of(settings) == Folders(sft, released)
    assert set(fetched) == {f"ACE-Step/acestep-v15-sft/{name}" for name in MODEL} | {
        f"{RELEASED}/{name}" for name in PARTS
    }
    fetched.clear()
    assert hub.folders_of(AceStep15Settings(checkpoint="somebody/xl")) == Folders(diffusers, diffusers)
    assert set(fetched) == {f"somebody/xl/{file}" for file in DIFFUSERS}


def test_a_check_of_requests_fetches_no_weights(fetched: list[str]) -> None:
    for checkpoint in (RELEASED, "somebody/xl"):
        hub.folders_of(AceStep15Settings(checkpoint=checkpoint), weights=False)
    assert [file for file in fetched if file.endswith((".safetensors", ".pt"))] == []


def test_what_cannot_be_had_is_told_with_what_to_do(fetched: list[str], tmp_path: Path) -> None:
    with pytest.raises(EngineUnavailable, match=r"has no file acestep-v15-xl/config\.json.*'checkpoint'"):
        hub.folders_of(AceStep15Settings(model="acestep-v15-xl"))
    with pytest.raises(EngineUnavailable, match="is not a folder"):
        hub.folders_of(AceStep15Settings(checkpoint=str(tmp_path / "nowhere")))
    assert fetched == []


def test_offline_without_a_download_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(EngineUnavailable, match=r"is not in the cache and cannot be downloaded.*'offline'"):
        hub.folders_of(AceStep15Settings(cache=str(tmp_path), offline=True))
