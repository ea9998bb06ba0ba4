from dataclasses import replace

import pytest
import torch
from torch import Tensor

from model.studio.composing.conditions import Conditions
from model.studio.composing.network.blocks import BeatLinks
from model.studio.composing.network.condition_encoder import Known
from model.studio.composing.network.config import ScoreNetworkConfig
from model.studio.composing.network.score_network import ScoreNetwork

SMALL = ScoreNetworkConfig(width=24, blocks=2, heads=2, link_width=4)


def conditions(beats: int) -> Conditions:
    per_beat, per_song = torch.zeros(1, beats, dtype=torch.long), torch.zeros(1, dtype=torch.long)
    hint = torch.zeros(1, beats, 4, dtype=torch.long)
    return Conditions(*(per_beat,) * 6, hint=hint, mode=per_song, tempo=per_song, style=per_song)


def predict(network: ScoreNetwork, latent: Tensor, valid: Tensor | None = None) -> Tensor:
    beats = latent.shape[1]
    nothing = Known(
        torch.zeros(1, beats, 4, dtype=torch.long), torch.zeros(1, beats, dtype=torch.long), torch.zeros(1, beats, 5)
    )
    encoded = network.encode(conditions(beats), nothing)
    modulation = network.modulation(torch.tensor([0.5]), encoded.song)
    predicted: torch.Tensor = network(latent, torch.zeros_like(latent), modulation, encoded.tokens, valid).melody
    return predicted


@pytest.fixture
def network() -> ScoreNetwork:
    torch.manual_seed(0)
    return ScoreNetwork(SMALL).eval().requires_grad_(False)


def test_padding_does_not_change_what_is_predicted(network: ScoreNetwork) -> None:
    latent = torch.randn(1, 24, SMALL.latent)
    valid = (torch.arange(24) < 16).float()[None]
    torch.testing.assert_close(predict(network, latent, valid)[:, :16], predict(network, latent[:, :16]))


def test_weights_fixed_for_inference_predict_the_same_to_the_last_bit(network: ScoreNetwork) -> None:
    latent = torch.randn(1, 24, SMALL.latent)
    before = predict(network, latent)
    assert torch.equal(predict(network.fixed(), latent), before)


def test_links_read_the_same_beat_of_earlier_bars_and_nothing_else() -> None:
    torch.manual_seed(0)
    links = BeatLinks(6, 3, (1, 2))
    tokens = torch.randn(1, 16, 6)
    moved = tokens.clone()
    moved[0, 1] += 1
    changed = (links(moved) != links(tokens)).any(-1)[0]
    assert changed.nonzero().flatten().tolist() == [5, 9]


def test_the_network_can_be_built_without_links() -> None:
    names = ScoreNetwork(replace(SMALL, link_bars=())).state_dict()
    assert not any("links" in name for name in names)


def test_the_expected_latent_of_certain_classes_is_their_embedding(network: ScoreNetwork) -> None:
    melody, chords = torch.tensor([[[0, 1, 2, 38]]]), torch.tensor([[5]])
    certain = torch.nn.functional.one_hot(melody, 39).float(), torch.nn.functional.one_hot(chords, 37).float()
    torch.testing.assert_close(network.expected(*certain), network.embed(melody, chords))
