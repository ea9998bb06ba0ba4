"""Tests of a device without enough memory for a pass, and of the estimated memory of songs."""

from collections.abc import Sequence

import pytest
import torch
from torch.nn import functional as F

from model.ace_step_15.engine import AceStep15Engine
from model.ace_step_15.memory import codec_bytes, step_bytes
from model.ace_step_15.networks.codec import WINDOW, Decoder, Encoder
from model.ace_step_15.networks.config import CodecConfig, StackConfig, TransformerConfig
from model.ace_step_15.networks.contexts import ContextBatch
from model.ace_step_15.networks.transformer import Transformer
from model.ace_step_15.sampling.batched_forward import BatchedForward
from model.ace_step_15.sampling.trajectories import Row
from server.workers.execution.batch_denoise import denoise
from tests.model.ace_step_15.songs import begun, made, params
from tests.support.device_memory import LiveBytes

ROWS = 4
"""Number of rows for which the tests' fake device has memory: two songs with guidance."""


class SmallDevice:
    """Fake of an engine's forward passes on a device with little memory: a pass of more than `ROWS` rows fails. `asked`
    records the number of rows of each call.
    """

    def __init__(self, forward: BatchedForward) -> None:
        self.asked: list[int] = []
        self._forward = forward

    def __call__(self, rows: Sequence[Row]) -> list[torch.Tensor]:
        self.asked.append(len(rows))
        if len(rows) > ROWS:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")
        return self._forward(rows)


def test_a_batch_without_room_is_halved_and_its_songs_are_those_of_each_alone(
    engine: AceStep15Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    seeds = range(3)
    alone = [made(engine, params(seed=seed)).trajectory.latents for seed in seeds]
    songs = [begun(engine, params(seed=seed)) for seed in seeds]
    small = SmallDevice(engine._forward)
    monkeypatch.setattr(engine, "_forward", small)
    assert denoise(engine, songs, 1) == ([None] * 3, 2)
    assert [song.step for song in songs] == [1] * 3
    assert small.asked == [6, 4, 2]
    assert denoise(engine, songs, 2) == ([None] * 3, 2)
    for song, expected in zip(songs, alone, strict=True):
        torch.testing.assert_close(song.trajectory.latents, expected, rtol=0, atol=1e-4)
    # A song that does not fit into memory even alone fails alone, and its state is unchanged.
    monkeypatch.setattr("tests.model.ace_step_15.test_device_memory.ROWS", 1)
    song = begun(engine, params())
    (error,), fits = denoise(engine, [song], 1)
    assert isinstance(error, torch.OutOfMemoryError)
    assert (fits, song.step) == (0, 0)


def kernel(queries: torch.Tensor, *_given: object, **_how: object) -> torch.Tensor:
    """Fake of a fused attention kernel, which does not store the attention scores."""
    return torch.empty_like(queries)


@torch.no_grad()
def test_a_step_takes_what_it_is_said_to(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(F, "scaled_dot_product_attention", kernel)
    stack = StackConfig(width=512, hidden=1536, head_width=32)  # the same proportions as in the release
    config, rows, frames = TransformerConfig(stack, (True, False), channels=16, context_width=512), 2, 800
    transformer = Transformer(config)
    cache = transformer.cached(torch.zeros(1, 40, config.context_width))
    latents, given = (torch.zeros(rows, frames, width) for width in (16, 32))
    contexts = ContextBatch.of([cache] * rows)
    with LiveBytes() as live:
        transformer(latents, given, torch.zeros(rows), contexts, None)
    said = step_bytes(stack, 4, rows * frames // config.patch)
    assert 0.8 * said < live.peak < 1.2 * said


@torch.no_grad()
def test_a_window_of_the_autoencoder_takes_what_it_is_said_to() -> None:
    config = CodecConfig(encoder_width=2, decoder_width=2, channels=1)
    frames = WINDOW + 2 * config.context
    said = codec_bytes(config, 4)
    for network, shape in ((Decoder(config), (1, 1, frames)), (Encoder(config), (1, 2, frames * config.hop))):
        with LiveBytes() as live:
            network(torch.zeros(*shape))
        assert 0.3 * said < live.peak < 1.1 * said
