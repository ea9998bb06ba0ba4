"""Compares the estimated memory of a section with the memory that networks of the released sizes use, on the meta
device without data.
"""

import pytest
import torch
from torch import nn

from model.ace_step.frames import frames_of
from model.ace_step.loading.networks import Networks
from model.ace_step.memory import section_bytes
from model.ace_step.networks.autoencoder import Autoencoder
from model.ace_step.networks.codec import Codec
from model.ace_step.networks.config import AutoencoderConfig, TransformerConfig, VocoderConfig
from model.ace_step.networks.transformer import Transformer
from model.ace_step.networks.vocoder import CONTEXT_FRAMES, Vocoder
from tests.support.device_memory import LiveBytes

META = torch.device("meta")
GIB = 1 << 30


@pytest.fixture(scope="module")
def networks() -> Networks:
    with META:
        transformer = Transformer(TransformerConfig()).bfloat16()
        autoencoder = Autoencoder(AutoencoderConfig()).bfloat16()
        codec = Codec(autoencoder, Vocoder(VocoderConfig()))
    return Networks(transformer, codec, None)  # type: ignore[arg-type]


def peak(network: nn.Module, *shape: int, dtype: torch.dtype = torch.bfloat16) -> int:
    live = LiveBytes()
    with torch.no_grad(), live:
        network(torch.empty(*shape, dtype=dtype, device=META))
    return live.peak


def said(networks: Networks, seconds: float, source_seconds: float = 0.0) -> int:
    frames = frames_of(seconds)
    with torch.no_grad():
        cache = networks.transformer.cached(torch.empty(1, 1, 2560, dtype=torch.bfloat16, device=META))
    taken: int = section_bytes(networks, [cache], frames, frames, 0, frames_of(source_seconds))
    return taken


@pytest.mark.parametrize(("seconds", "gibibytes"), [(60.0, 0.87), (240.0, 3.48)])
def test_decoding_and_encoding_take_what_they_are_said_to(networks: Networks, seconds: float, gibibytes: float) -> None:
    frames = frames_of(seconds)
    decoding = peak(networks.codec.autoencoder.decoder, 1, 8, 16, frames)
    encoding = peak(networks.codec.autoencoder.encoder, 1, 2, 128, 8 * frames)
    assert decoding / GIB == pytest.approx(gibibytes, abs=0.01)
    assert decoding < encoding <= said(networks, seconds) < 1.1 * decoding
    assert said(networks, 10.0, seconds) == pytest.approx(said(networks, seconds), rel=1e-3)


def test_a_short_song_takes_a_window_of_the_vocoder(networks: Networks) -> None:
    window = peak(networks.codec.vocoder, 2, 128, 512 + 2 * CONTEXT_FRAMES, dtype=torch.float32)
    assert window <= said(networks, 10.0) < 1.15 * window


@pytest.mark.parametrize("words", [100, 1000, 4096])
def test_preparing_takes_what_it_is_said_to(networks: Networks, words: int) -> None:
    model = networks.transformer
    with torch.no_grad(), LiveBytes() as live:
        text = torch.empty(1, 64, 768, dtype=torch.bfloat16, device=META)
        ids = torch.empty(1, words, dtype=torch.long, device=META)
        caches = [model.cached(model.context(text, ids)) for _ in range(2)]
    assert live.peak <= section_bytes(networks, caches, 216, 108, words, 0) < 1.1 * live.peak + (GIB >> 2)


def test_many_frames_at_once_take_the_memory_of_their_step(networks: Networks) -> None:
    with torch.no_grad():
        cache = networks.transformer.cached(torch.empty(1, 400, 2560, dtype=torch.bfloat16, device=META))
    one, two = (section_bytes(networks, [cache] * rows, rows * 20_000, 108, 300, 0) for rows in (1, 2))
    assert two == 2 * one
    assert one - cache.memory_bytes == 20_000 * 6 * 2 * 6400 * 2
