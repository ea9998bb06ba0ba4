"""Measures MusicGen with random weights: the time of a tick (one column of tokens), of prefill and of the codec, and if
a song's tokens depend on other songs in the batch.
"""

from collections.abc import Iterator, Sequence
from typing import TypeVar

import torch
from torch import nn

from benchmarks.gpu.figures import Figure, Setup, absent, guarded
from benchmarks.gpu.timing import peak_memory, timed
from model.musicgen.networks.codec import Codec
from model.musicgen.networks.config import CodecConfig, DecoderConfig
from model.musicgen.networks.decoder import Decoder
from model.musicgen.rendering import SoundDecoder
from model.shared.checkpoints.filling import skeleton
from model.shared.tokens.core import Advance, Layout, TokenCore
from model.shared.tokens.sampling import Sampling, noise
from model.shared.tokens.sequences import Given, TextCache, TokenSequence

Network = TypeVar("Network", bound=nn.Module)

_SMALL, _LARGE = (
    DecoderConfig(layers, width, heads, 4 * width, 4, 2048, 1, attends_text=True)
    for layers, width, heads in ((24, 1024, 16), (48, 2048, 32))
)
_TINY = DecoderConfig(2, 32, 4, 64, 4, 64, 1, attends_text=True)
_CODEC = CodecConfig(32_000, 64, 128, (8, 5, 4, 4), 4, 2048, 1, 7, 7, 3, 2, 2, 2, shortcut=False)
_TINY_CODEC = CodecConfig(1_000, 2, 16, (8, 5, 5), 4, 64, 1, 7, 7, 3, 2, 2, 2, shortcut=False)
_SPREAD = 0.03
"""Standard deviation of the random weights, with which tokens differ and activations stay finite."""

_TEXT_TOKENS, _LENGTH, _KNOWN = 256, 1536, 1000


def measure(setup: Setup) -> Iterator[Figure]:
    """Measure the ticks of the small and the large model, and the decoding of the codec."""
    sizes = setup.pick((("small", _SMALL), ("large", _LARGE)), (("small", _TINY),))
    for name, config in sizes:
        yield from guarded(name, _model(setup, name, config))
    yield from guarded("codec", _codec(setup))


def _model(setup: Setup, name: str, config: DecoderConfig) -> Iterator[Figure]:
    network = filled(skeleton(lambda: Decoder(config)), setup, torch.bfloat16 if setup.on_gpu else torch.float32)
    core = TokenCore(network, Layout(8, 2, setup.pick(_LENGTH, 64), _TEXT_TOKENS))
    yield Figure(f"{name}.alike_everywhere", core.alike_everywhere())
    ticks = setup.pick(10, 2)
    for count in (1, 8):
        songs = [_sequence(network, setup, number, 0) for number in range(count)]
        times = timed(setup, lambda songs=songs: _advance(core, network, songs, ticks), repeats=3)  # type: ignore[misc]
        yield Figure(f"{name}.tick.x{count}.device_ms", times.device_ms / ticks)
        yield Figure(f"{name}.tick.x{count}.host_ms", times.host_ms / ticks)
    known = setup.pick(_KNOWN, 20)
    times = timed(setup, lambda: _advance(core, network, [_sequence(network, setup, 0, known)], 1), repeats=3)
    yield Figure(f"{name}.prefill_and_tick.device_ms", times.device_ms)
    yield Figure(f"{name}.company.equal", _equal_in_company(setup, core, network))
    if memory := peak_memory(setup, lambda: _advance(core, network, [_sequence(network, setup, 0, known)], 1)):
        yield Figure(f"{name}.memory.peak_gib", memory.allocated)
    else:
        yield absent(f"{name}.memory.peak_gib", "torch does not measure the memory of a CPU")


def _equal_in_company(setup: Setup, core: TokenCore, network: Decoder) -> bool:
    """Return True if songs that join a pass at different ticks get the same tokens as each gets alone."""
    count, ticks = setup.pick(8, 3), setup.pick(40, 6)
    alone = []
    for number in range(count):
        song = _sequence(network, setup, number, number)
        _advance(core, network, [song], ticks)
        alone.append(core.tokens(song))
        core.release(song)
    songs = [_sequence(network, setup, number, number) for number in range(count)]
    for joined in range(1, count + 1):
        _advance(core, network, songs[:joined], 1)
    _advance(core, network, songs, ticks - count)
    for number, song in enumerate(songs):
        if number:
            _advance(core, network, [song], number)
    return all(torch.equal(core.tokens(song), expected) for song, expected in zip(songs, alone, strict=True))


def _advance(core: TokenCore, network: Decoder, songs: Sequence[TokenSequence], ticks: int) -> None:
    """Advance songs by `ticks` ticks (columns of tokens); the noise of a tick depends only on its column number."""
    shape = (network.codebooks, network.vocabulary)
    core.advance(
        [Advance(song, torch.cat([noise(song.column + tick, 1, shape) for tick in range(ticks)])) for song in songs]
    )


def _sequence(network: Decoder, setup: Setup, number: int, known: int) -> TokenSequence:
    """Return the token sequence of a guided song that continues `known` columns of tokens; `number` is the seed of its
    random text and tokens.
    """
    generator = torch.Generator().manual_seed(number)
    states = torch.randn(1, 16 + number, network.config.width, generator=generator).to(network.device, network.dtype)
    texts: list[TextCache | None] = [network.text_cache(states), None]
    columns = setup.pick(_LENGTH, 64)
    grid = torch.full((network.codebooks, columns), network.config.pad)
    grid[:, 1 : known + 1] = torch.randint(0, network.vocabulary, (network.codebooks, known), generator=generator)
    opens, closes = [known + 1] * network.codebooks, [columns] * network.codebooks
    return TokenSequence(Given(texts, None, grid, opens, closes, Sampling(3.0)), known)


@torch.no_grad()
def _codec(setup: Setup) -> Iterator[Figure]:
    config = setup.pick(_CODEC, _TINY_CODEC)
    codec = filled(skeleton(lambda: Codec(config)), setup, torch.float32)
    frames = setup.pick(500, 20)
    codes = torch.randint(0, config.codebook_size, (1, config.codebooks, frames)).to(setup.device)
    whole = codec.decode(codes)
    windows = [sound for sound, _ in SoundDecoder(codec).windows(codes, 0, frames, None)]
    worst = (torch.cat(windows, dim=1) - whole).abs().max() / whole.abs().max()
    yield Figure("codec.windows.worst", float(worst))
    times = timed(setup, lambda: list(SoundDecoder(codec).windows(codes, 0, frames, None)), repeats=3)
    yield Figure("codec.ten_seconds.device_ms", times.device_ms)


def filled(network: Network, setup: Setup, dtype: torch.dtype) -> Network:
    """Give the network random weights on the device; its normalisations are left neutral."""
    network = network.to_empty(device=setup.device).to(dtype).eval().requires_grad_(False)
    torch.manual_seed(0)
    for name, tensor in network.state_dict().items():
        if tensor.dim() == 1:
            tensor.fill_(1.0 if "norm" in name and name.endswith("weight") else 0.0)
        else:
            tensor.normal_(0.0, setup.pick(_SPREAD, 10 * _SPREAD))
    return network
