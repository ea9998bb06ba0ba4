"""Where the recordings of the original are, and how closely what we make must follow them."""

import os
from pathlib import Path

import pytest

PARITY_VARIABLE = "MELISMA_TEST_ACE_STEP_PARITY"


@pytest.fixture(scope="session")
def parity() -> Path:
    """The folder of recordings: random tiny weights in the released layout, with inputs and outputs of the original."""
    if not (folder := os.environ.get(PARITY_VARIABLE)):
        pytest.skip(f"{PARITY_VARIABLE} does not name the folder with the recordings of the original")
    return Path(folder)
