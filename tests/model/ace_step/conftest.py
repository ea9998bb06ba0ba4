"""The recordings of the original, and an engine that several modules of tests share."""

import os
from pathlib import Path

import pytest

from model.ace_step.engine import AceStepEngine
from tests.support.ace_step import ace_step_options

PARITY_VARIABLE = "MELISMA_TEST_ACE_STEP_PARITY"


@pytest.fixture(scope="session")
def parity() -> Path:
    """The folder of recordings: random tiny weights in the released layout, with inputs and outputs of the original."""
    if not (folder := os.environ.get(PARITY_VARIABLE)):
        pytest.skip(f"{PARITY_VARIABLE} does not name the folder with the recordings of the original")
    return Path(folder)


@pytest.fixture(scope="session")
def engine(tmp_path_factory: pytest.TempPathFactory) -> AceStepEngine:
    """The engine on a CPU, with a tiny checkpoint of random weights."""
    return AceStepEngine.load("cpu", **ace_step_options(tmp_path_factory.mktemp("ace_step")))
