import json
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from model.ace_step.loading import hub
from model.ace_step.loading.check import main
from model.ace_step.loading.checkpoint import FILES, RELEASED_BYTES, differs_from_release
from model.ace_step.loading.networks import faults, load
from model.ace_step.settings import AceStepSettings
from model.engine import EngineUnavailable
from model.shared.checkpoints import repository
from model.shared.checkpoints.headers import read_header
from tests.support.ace_step import write_checkpoint

TRANSFORMER = Path("ace_step_transformer") / "diffusion_pytorch_model.safetensors"


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_checkpoint(tmp_path_factory.mktemp("checkpoint") / "tiny")


@pytest.fixture
def folder(written: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(written, tmp_path / "tiny"))


def test_a_whole_checkpoint_has_no_faults_and_loads(folder: Path) -> None:
    assert faults(folder) == []
    networks = load(folder, torch.device("cpu"), torch.bfloat16)
    assert networks.transformer.dtype is torch.bfloat16
    assert networks.codec.vocoder.mel_transform.spectrogram.get_buffer("window").dtype is torch.float32


def test_the_table_of_the_text_encoder_may_have_either_name(folder: Path) -> None:
    path = folder / "umt5-base" / "model.safetensors"
    weights = load_file(path)
    table = weights.pop("shared.weight")
    save_file(weights | {"encoder.embed_tokens.weight": table}, path)
    assert faults(folder) == []
    loaded = load(folder, torch.device("cpu"), torch.float32)
    assert torch.equal(loaded.text_encoder.model.shared.weight, table)
    save_file(weights, path)
    assert any("lacks the tensor shared.weight" in fault for fault in faults(folder))


def test_what_no_inference_multiplies_may_be_there_or_not(folder: Path) -> None:
    weights = load_file(folder / TRANSFORMER)
    weights["projectors.0.0.weight"] = torch.zeros(2, 2)
    weights["transformer_blocks.0.cross_attn.add_k_proj.weight"] = torch.zeros(2, 2)
    save_file(weights, folder / TRANSFORMER)
    assert faults(folder) == []
    load(folder, torch.device("cpu"), torch.float32)


def test_every_missing_file_is_named_with_how_to_get_it(folder: Path) -> None:
    (folder / "music_vocoder" / "config.json").unlink()
    (folder / "umt5-base" / "tokenizer.json").unlink()
    with pytest.raises(EngineUnavailable, match=r"music_vocoder/config\.json is missing.*tokenizer\.json.*hf download"):
        load(folder, torch.device("cpu"), torch.float32)


def test_a_file_that_was_cut_off_says_how_much_is_there(folder: Path) -> None:
    data = (folder / TRANSFORMER).read_bytes()
    (folder / TRANSFORMER).write_bytes(data[:-1000])
    assert [
        fault
        for fault in faults(folder)
        if f"has only {len(data) - 1000:,} of {len(data):,} bytes: download it again" in fault
    ]


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "is a Git LFS pointer"),
        (b"", "is not a safetensors file"),
        (b"\x10\x00\x00\x00\x00\x00\x00\x00not json at all.", "is not a safetensors file"),
    ],
)
def test_what_is_no_weights_file_is_called_so(folder: Path, content: bytes, fault: str) -> None:
    (folder / TRANSFORMER).write_bytes(content)
    with pytest.raises(EngineUnavailable, match=fault):
        read_header(folder / TRANSFORMER)


def test_tensors_that_do_not_fit_are_named(folder: Path) -> None:
    weights = load_file(folder / TRANSFORMER)
    weights["genre_embedder.bias"] = torch.zeros(3)
    weights["another"] = weights.pop("speaker_embedder.bias")
    save_file(weights, folder / TRANSFORMER)
    found = " ".join(faults(folder))
    assert "lacks the tensor speaker_embedder.bias" in found
    assert "genre_embedder.bias with the shape [3], not [16]" in found
    assert "has a tensor another that ACE-Step v1 does not have" in found


def test_a_config_of_another_model_is_refused(folder: Path) -> None:
    path = folder / "ace_step_transformer" / "config.json"
    values = json.loads(path.read_text("utf-8"))
    path.write_text(json.dumps(values | {"patch_size": [8, 1]}), "utf-8")
    assert any("patch_size = [8, 1], but ACE-Step v1 has [16, 1]" in fault for fault in faults(folder))
    path.write_text("[]", "utf-8")
    assert any("must contain a JSON object" in fault for fault in faults(folder))


def test_the_check_says_what_it_found(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(folder)]) == 0
    assert "can be loaded, but is not the released one" in capsys.readouterr().out
    (folder / TRANSFORMER).unlink()
    assert main([str(folder)]) == 1
    assert "is missing" in capsys.readouterr().err
    assert main([]) == 2
    assert main(["--help"]) == 0


def test_another_file_than_the_released_one_is_told_by_its_size(folder: Path) -> None:
    assert len(differs_from_release(folder)) == len(RELEASED_BYTES) == len(FILES)


def test_a_folder_is_taken_as_it_is(folder: Path) -> None:
    assert hub.folder_of(AceStepSettings(checkpoint=str(folder))) == folder


def test_the_hub_is_asked_for_every_file_at_the_wanted_revision(
    folder: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    asked: list[tuple[str, str, object]] = []

    def download(name: str, file: str, *, revision: object, cache_dir: object, local_files_only: bool) -> str:
        asked.append((name, file, revision))
        return str(folder / file)

    monkeypatch.setattr(repository, "hf_hub_download", download)
    caplog.set_level("INFO")
    assert hub.folder_of(AceStepSettings(checkpoint="somebody/tiny", revision="abc")) == folder
    assert asked == [("somebody/tiny", file.as_posix(), "abc") for file in FILES]
    assert "file 9 of 9" in caplog.text
    with pytest.raises(EngineUnavailable, match="differs from the released one"):
        hub.folder_of(AceStepSettings())


def test_offline_without_a_download_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(EngineUnavailable, match=r"is not in the cache and cannot be downloaded.*'offline'"):
        hub.folder_of(AceStepSettings(cache=str(tmp_path), offline=True))
