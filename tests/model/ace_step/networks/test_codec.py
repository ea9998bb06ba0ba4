from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
import torch
import torchaudio
from safetensors.torch import load_file
from torchaudio.functional import resample

from model.ace_step.frames import frames_of
from model.ace_step.networks.autoencoder import Autoencoder
from model.ace_step.networks.codec import Codec, window_lengths
from model.ace_step.networks.config import (
    AutoencoderConfig,
    VocoderConfig,
    autoencoder_config,
    vocoder_config,
)
from model.ace_step.networks.vocoder import CONTEXT_FRAMES, Vocoder
from model.shared.checkpoints.configs import read_json
from model.shared.checkpoints.weight_norm import folded

Arrays = Mapping[str, torch.Tensor]
SMALL = VocoderConfig(depths=(1, 1, 2, 1), widths=(8, 8, 12, 16), head_width=128, block_kernels=(3, 13))
"""Sizes with few channels, and with the smallest and the largest of the released kernels; the largest has the widest
receptive field.
"""


def random_vocoder() -> Vocoder:
    """Return a vocoder with random weights, whose output is noise."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        vocoder = Vocoder(SMALL)
        for parameter in vocoder.parameters():
            torch.nn.init.normal_(parameter, std=0.1)
    return vocoder.eval().requires_grad_(False)


def test_windows_of_the_vocoder_give_the_samples_of_the_whole() -> None:
    vocoder = random_vocoder()
    mel = torch.randn(1, 128, 777, generator=torch.Generator().manual_seed(1))
    windows = list(vocoder.windows(mel, window_lengths()))
    assert [window.shape[-1] // 512 for window in windows] == [43, 86, 172, 344, 132]
    torch.testing.assert_close(torch.cat(windows, dim=-1), vocoder(mel), rtol=0, atol=1e-6)


def test_less_context_would_be_heard() -> None:
    vocoder = random_vocoder()
    mel = torch.randn(1, 128, 2 * CONTEXT_FRAMES + 1, generator=torch.Generator().manual_seed(1))
    moved = mel.clone()
    moved[..., 2] += 1.0
    assert not torch.equal(vocoder(mel)[..., 40 * 512 : 41 * 512], vocoder(moved)[..., 40 * 512 : 41 * 512])


def test_norms_are_folded_into_the_weights() -> None:
    weights = torch.randn(6, 4, 3)
    conv = torch.nn.utils.parametrizations.weight_norm(torch.nn.Conv1d(4, 6, 3))
    gain = torch.rand(6, 1, 1)
    conv.parametrizations.weight.original0.data = gain
    conv.parametrizations.weight.original1.data = weights
    plain = folded({"a.weight_g": gain, "a.weight_v": weights, "a.bias": torch.zeros(6)})
    assert sorted(plain) == ["a.bias", "a.weight"]
    torch.testing.assert_close(plain["a.weight"], conv.weight)


@pytest.mark.parametrize(("seconds", "frames"), [(30.0, 322), (60.0, 645), (240.0, 2583)])
def test_seconds_are_so_many_frames(seconds: float, frames: int) -> None:
    assert frames_of(seconds) == frames


def test_full_size_has_as_many_parameters_as_published() -> None:
    with torch.device("meta"):
        autoencoder, vocoder = Autoencoder(AutoencoderConfig()), Vocoder(VocoderConfig())
    assert len(autoencoder.state_dict()) == 192
    assert sum(parameter.numel() for parameter in autoencoder.parameters()) == 156_812_426
    normed = [
        module for module in vocoder.head.modules() if isinstance(module, torch.nn.Conv1d | torch.nn.ConvTranspose1d)
    ]
    gains = sum(module.weight.shape[0] for module in normed)
    assert len(vocoder.state_dict()) + len(normed) == 713
    assert sum(tensor.numel() for tensor in vocoder.state_dict().values()) + gains == 103_138_386
    assert vocoder.get_parameter("head.ups.0.weight").shape == (1024, 512, 8)
    assert vocoder.get_parameter("head.resblocks.27.convs2.2.weight").shape == (8, 8, 13)


@pytest.fixture(scope="module")
def original(parity: Path) -> Codec:
    dcae, vocoder = (parity / "checkpoint" / name for name in ("music_dcae_f8c8", "music_vocoder"))
    with torch.device("meta"):
        autoencoder = Autoencoder(autoencoder_config(read_json(dcae / "config.json")))
        voice = Vocoder(vocoder_config(read_json(vocoder / "config.json")))
    autoencoder.load_state_dict(load_file(dcae / "diffusion_pytorch_model.safetensors"), strict=True, assign=True)
    voice.load_state_dict(folded(load_file(vocoder / "diffusion_pytorch_model.safetensors")), strict=True, assign=True)
    return Codec(autoencoder, voice).eval().requires_grad_(False)


def load(path: Path) -> Arrays:
    return {name: torch.tensor(array) for name, array in np.load(path).items()}


def close(ours: torch.Tensor, expected: torch.Tensor, tolerance: float) -> None:
    torch.testing.assert_close(ours, expected, rtol=0, atol=tolerance)


def test_vocoder_follows_the_original_part_by_part(parity: Path, original: Codec) -> None:
    recorded, vocoder = load(parity / "vocoder.npz"), original.vocoder
    seen: dict[str, torch.Tensor] = {}
    for name, module in vocoder.named_modules():
        if f"tap/{name}" in recorded:

            def keep(_module: torch.nn.Module, _given: object, made: torch.Tensor, name: str = name) -> None:
                seen[name] = made

            module.register_forward_hook(keep)
    close(vocoder(recorded["in/mel"]), recorded["wav"], 1e-5)
    assert {f"tap/{name}" for name in seen} == {name for name in recorded if name.startswith("tap/")}
    for name, made in seen.items():
        close(made, recorded[f"tap/{name}"], 1e-4)


def test_mel_frames_are_those_of_the_original(parity: Path, original: Codec) -> None:
    recorded, transform = load(parity / "vocoder.npz"), original.vocoder.mel_transform
    close(transform.spectrogram.get_buffer("window"), recorded["mel_window"], 0)
    close(transform.mel_scale.get_buffer("fb"), recorded["mel_fb"], 0)
    close(transform(recorded["in/wav"]), recorded["logmel"], 1e-4)


@pytest.mark.parametrize("rate", [44_100, 48_000])
def test_latents_of_sound_are_those_of_the_original(parity: Path, original: Codec, rate: int) -> None:
    recorded = load(parity / "dcae.npz")
    sound = torchaudio.functional.resample(recorded[f"in/wav{rate // 1000}"][0], rate, 44_100)
    latents = original.encode(sound)
    close(latents, recorded[f"encode{rate // 1000}/latents"], 1e-4)
    seconds = recorded[f"in/wav{rate // 1000}"].shape[-1] / rate
    assert frames_of(seconds) == int(recorded[f"encode{rate // 1000}/lengths"])


def test_sound_of_latents_is_that_of_the_original(parity: Path, original: Codec) -> None:
    recorded = load(parity / "dcae.npz")
    for item in range(2):
        mel = original.mel(recorded["in/latents"][item : item + 1])
        close(((mel + 11) / 14 - 0.5) / 0.5, recorded["decode/mel"][item], 1e-4)
        close(original.sound(mel), recorded["decode/wav_44100"][item], 1e-5)
        close(torch.cat(list(original.windows(mel)), dim=1), recorded["decode/wav_44100"][item], 1e-5)
        close(resample(original.sound(mel), 44_100, 48_000), recorded["decode/wav_48000"][item], 1e-5)
