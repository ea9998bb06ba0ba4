"""The recordings of the original, and the tiny networks that they were made with."""

import os
from pathlib import Path

import pytest
import torch

from model.ace_step_15.loading.folders import Folders
from model.ace_step_15.loading.networks import Networks, load
from tests.support.ace_step_15 import DATA

PARITY_VARIABLE = "MELISMA_TEST_ACE_STEP_15_PARITY"


@pytest.fixture(scope="session")
def recordings() -> Path:
    """The folder of recordings: that which the variable names, with every call, or the reduced ones."""
    return Path(os.environ.get(PARITY_VARIABLE, DATA))


@pytest.fixture(scope="session")
def networks() -> Networks:
    """The networks of the recordings, on a CPU."""
    return load(Folders(DATA / "checkpoint", DATA / "checkpoint"), torch.device("cpu"), torch.float32)
