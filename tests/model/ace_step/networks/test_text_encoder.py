from pathlib import Path

import numpy as np
import pytest
import torch

from model.ace_step.loading.networks import load
from model.ace_step.networks.text_encoder import TextEncoder
from model.ace_step.networks.transformer import ERG_FACTOR

PROMPT = "funk, pop, soul, rock, melodic, guitar, drums, bass, 105 BPM"


@pytest.fixture(scope="module")
def encoder(parity: Path) -> TextEncoder:
    return load(parity / "checkpoint", torch.device("cpu"), torch.float32).text_encoder


def test_prompts_are_encoded_as_by_the_original(parity: Path, encoder: TextEncoder) -> None:
    recorded = {name: torch.tensor(array) for name, array in np.load(parity / "umt5.npz").items()}
    ids, mask = recorded["in/ids"], recorded["in/mask"]
    assert encoder.tokens(PROMPT) == ids[0].tolist()
    for factor, name in ((None, "last_hidden_state"), (ERG_FACTOR, "erg_last_hidden_state")):
        torch.testing.assert_close(encoder.states(ids, mask, factor), recorded[name], rtol=0, atol=1e-5)
    torch.testing.assert_close(encoder.encode(PROMPT), recorded["last_hidden_state"][:1], rtol=0, atol=1e-5)


def test_weakening_leaves_no_trace(encoder: TextEncoder) -> None:
    before = encoder.encode(PROMPT)
    assert not torch.equal(encoder.encode(PROMPT, ERG_FACTOR), before)
    assert torch.equal(encoder.encode(PROMPT), before)
