"""Tests of the errors of engines that cannot be loaded: the text names the environment variables to set."""

from pathlib import Path

import pytest

from model.engine import EngineUnavailable, Option
from server.assembly.processes import engine_specs
from server.settings.command_line import read_settings
from server.workers.execution.engine_loading import load_engines
from server.workers.execution.failures import failure_of
from server.workers.messages import Failure, Fault
from tests.support.ace_step import write_checkpoint, write_vocabulary

VOCABULARY = (
    "the lyric vocabulary of ACE-Step is not shipped, because its licence is unclear (it extends that of XTTS-v2): "
    "fetch acestep/models/lyrics_utils/vocab.json (364,005 bytes, SHA-256 c2a66ea4…b9cc558) of the GitHub repository "
    "ace-step/ACE-Step, and set MELISMA_ACE_STEP__LYRIC_VOCAB to its path"
)
CHECKPOINT = (
    "the checkpoint is the Hugging Face repository ACE-Step/ACE-Step-v1-3.5B (8.3 GB): leave "
    "MELISMA_ACE_STEP__CHECKPOINT unset to have it downloaded, or run 'hf download ACE-Step/ACE-Step-v1-3.5B "
    "--local-dir FOLDER' and set the variable to FOLDER"
)


@pytest.fixture
def set_up(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> pytest.MonkeyPatch:
    """Fixture: an environment with the engine ace_step and a lyric vocabulary, but without a checkpoint."""
    monkeypatch.setenv("MELISMA_ENGINES", "ace_step")
    monkeypatch.setenv("MELISMA_ACE_STEP__LYRIC_VOCAB", str(write_vocabulary(tmp_path / "vocab.json")))
    return monkeypatch


def failure(engine: str, device: str = "cpu") -> Failure:
    """Return the failure of an engine that is loaded with the settings of the environment."""
    return load_engines(engine_specs(read_settings([])), device)[1][engine]


def test_studio_on_a_gpu_says_which_variable_to_set() -> None:
    text = "studio runs on the device 'cpu', not on 'cuda:0'; set MELISMA_DEVICES to cpu"
    assert failure("studio", "cuda:0") == Failure(Fault.INSTALLATION, text)


def test_a_lyric_vocabulary_that_is_not_set_is_named_by_its_variable(set_up: pytest.MonkeyPatch) -> None:
    set_up.delenv("MELISMA_ACE_STEP__LYRIC_VOCAB")
    text = "MELISMA_ACE_STEP__LYRIC_VOCAB is not set, but ACE-Step v1 needs the lyric vocabulary: "
    assert failure("ace_step").text == text + VOCABULARY


def test_a_lyric_vocabulary_that_cannot_be_used_says_which_variable_to_set(
    set_up: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    wrong = tmp_path / "wrong.json"
    set_up.setenv("MELISMA_ACE_STEP__LYRIC_VOCAB", str(wrong))
    assert failure("ace_step").text == f"the lyric vocabulary {wrong} is not a file; {VOCABULARY}"
    wrong.write_text("{}", "utf-8")
    assert failure("ace_step").text.startswith(f"the file {wrong} is not a vocabulary of lyric tokens (")
    assert failure("ace_step").text.endswith(f"); {VOCABULARY}")


def test_a_checkpoint_without_its_files_says_which_variable_to_set(set_up: pytest.MonkeyPatch, tmp_path: Path) -> None:
    nowhere = tmp_path / "nowhere"
    set_up.setenv("MELISMA_ACE_STEP__CHECKPOINT", str(nowhere))
    assert failure("ace_step").text == f"{nowhere} is not a folder; {CHECKPOINT}"


def test_a_download_that_may_not_be_made_says_which_variables_to_set(
    set_up: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    set_up.setenv("MELISMA_ACE_STEP__OFFLINE", "true")
    set_up.setenv("MELISMA_ACE_STEP__CACHE", str(tmp_path))
    assert failure("ace_step").text == (
        "the file ace_step_transformer/config.json of ACE-Step/ACE-Step-v1-3.5B (revision main) is not in the cache "
        "and cannot be downloaded; connect the computer to the hub and unset MELISMA_ACE_STEP__OFFLINE and "
        "HF_HUB_OFFLINE, or set "
        "MELISMA_ACE_STEP__CHECKPOINT to a folder"
    )


@pytest.mark.parametrize("path", ["COMPILE", "CUDA_GRAPHS"])
def test_adapters_on_a_speed_path_say_which_variables_to_unset(
    set_up: pytest.MonkeyPatch, tmp_path: Path, path: str
) -> None:
    set_up.setenv("MELISMA_ACE_STEP__CHECKPOINT", str(write_checkpoint(tmp_path / "checkpoint")))
    set_up.setenv("MELISMA_ACE_STEP__LORAS", '{"rap": "loras/rap"}')
    set_up.setenv(f"MELISMA_ACE_STEP__{path}", "true")
    assert failure("ace_step").text == (
        "LoRA adapters cannot be used with a compiled network or CUDA graphs: leave MELISMA_ACE_STEP__LORAS empty, or "
        "leave MELISMA_ACE_STEP__COMPILE and __CUDA_GRAPHS empty"
    )


def test_an_option_without_a_variable_keeps_its_name() -> None:
    error = EngineUnavailable("set ", Option("device"), " or ", Option("voices", short=True))
    assert failure_of(error, {"voices": "MELISMA_TUNABLE__VOICES"}).text == "set 'device' or __VOICES"
    assert failure_of(error).text == "set 'device' or 'voices'"
