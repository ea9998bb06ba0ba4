"""The recordings of the original, and the tiny networks that they were made with."""

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
    """The folder of recordings: that which the variable names, with every call, or the reduced ones."""
    return Path(os.environ.get(PARITY_VARIABLE, DATA))


@pytest.fixture(scope="session")
def networks() -> Networks:
    """The networks of the recordings, on a CPU."""
    return load(Folders(DATA / "checkpoint", DATA / "checkpoint"), torch.device("cpu"), torch.float32)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint of random weights."""
    return write_checkpoint(tmp_path_factory.mktemp("ace_step_15") / "checkpoint")


@pytest.fixture(scope="module")
def engine(folder: Path) -> AceStep15Engine:
    """The engine on that checkpoint, with two adapters; songs of all lengths share passes."""
    for seed, name in enumerate(("rap", "jazz trio")):
        write_adapter(folder.parent / "loras" / name, seed)
    loras = str(folder.parent / "loras")
    return AceStep15Engine.load("cpu", checkpoint=str(folder), padding=100.0, loras=loras)
