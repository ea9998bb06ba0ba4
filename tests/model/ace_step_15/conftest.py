"""Fixtures: the recordings of diffusers' pipeline, the tiny networks that they were made with, and an engine."""

import os
from pathlib import Path

import pytest
import torch

from model.ace_step_15.engine import AceStep15Engine
from model.ace_step_15.loading.folders import Folders
from model.ace_step_15.loading.networks import Networks, load
from tests.support.ace_step_15 import DATA
from tests.support.ace_step_15_checkpoint import write_adapter, write_checkpoint

PARITY_VARIABLE = "MELISMA_TEST_ACE_STEP_15_PARITY"


@pytest.fixture(scope="session")
def recordings() -> Path:
    """Return the folder with recordings of the original code: the folder in the environment variable
    MELISMA_TEST_ACE_STEP_15_PARITY, which has every call, otherwise the reduced recordings in the repository.
    """
    return Path(os.environ.get(PARITY_VARIABLE, DATA))


@pytest.fixture(scope="session")
def networks() -> Networks:
    """Load the networks that the recordings were made with, on the CPU."""
    return load(Folders(DATA / "checkpoint", DATA / "checkpoint"), torch.device("cpu"), torch.float32)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write a checkpoint of random weights, and return its folder."""
    return write_checkpoint(tmp_path_factory.mktemp("ace_step_15") / "checkpoint")


@pytest.fixture(scope="module")
def engine(folder: Path) -> AceStep15Engine:
    """Load the engine with the checkpoint in `folder` and two LoRA adapters; songs of all lengths share passes."""
    for seed, name in enumerate(("rap", "jazz trio")):
        write_adapter(folder.parent / "loras" / name, seed)
    loras = str(folder.parent / "loras")
    return AceStep15Engine.load("cpu", checkpoint=str(folder), padding=100.0, loras=loras)
