"""Fixtures: the recordings made with the original ACE-Step code, and an engine that several test modules share."""

import os
from pathlib import Path

import pytest

from model.ace_step.engine import AceStepEngine
from tests.support.ace_step import ace_step_options

PARITY_VARIABLE = "MELISMA_TEST_ACE_STEP_PARITY"


@pytest.fixture(scope="session")
def parity() -> Path:
    """Return the folder of recordings: random tiny weights in the released layout, with inputs and outputs of the
    original ACE-Step code.
    """
    if not (folder := os.environ.get(PARITY_VARIABLE)):
        pytest.skip(f"{PARITY_VARIABLE} does not name the folder with the recordings of the original")
    return Path(folder)


@pytest.fixture(scope="session")
def engine(tmp_path_factory: pytest.TempPathFactory) -> AceStepEngine:
    """Load the engine on the CPU, with a tiny checkpoint of random weights."""
    return AceStepEngine.load("cpu", **ace_step_options(tmp_path_factory.mktemp("ace_step")))
