"""Loads ACE-Step at full size with random weights, drawn on the device: cost and memory are realistic, the sound is
noise.
"""

import json
import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast
from unittest.mock import patch

import torch
from torch import nn

from model.ace_step.engine import AceStepEngine
from model.ace_step.loading import checkpoint as files
from model.ace_step.networks.autoencoder import Autoencoder
from model.ace_step.networks.config import AutoencoderConfig, TransformerConfig, VocoderConfig
from model.ace_step.networks.transformer import Transformer
from model.ace_step.networks.vocoder import Vocoder
from model.ace_step.sampling.states import State
from model.engine import SectionState
from model.shared.networks.t5 import T5Encoder
from model.shared.networks.t5_config import T5Config
from tests.support.ace_step import ace_step_options

VARIABLE = "BENCH_GPU_ENGINE"
"""Environment variable with the parameters of `choices_of` as JSON, for a server's worker."""

POISON = "device-side assert"
"""Words in a prompt that make the device fail permanently when denoising of the song begins."""

_UMT5_BASE = T5Config(
    vocabulary=256_384, width=768, head_width=64, heads=12, hidden=2048, layers=12, gated=True,
    biases_in_every_layer=True,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Sizes:
    """The sizes of the four networks."""

    transformer: TransformerConfig = field(default_factory=TransformerConfig)
    vocoder: VocoderConfig = field(default_factory=VocoderConfig)
    autoencoder: AutoencoderConfig = field(default_factory=AutoencoderConfig)
    text_encoder: T5Config = _UMT5_BASE


FULL = Sizes()
"""The sizes of the released networks."""

_SEED = 20_000
_TABLES, _GAMMA = 0.3, 0.3


def load(device: str, *, small: bool, **options: object) -> AceStepEngine:
    """Load the engine as `AceStepEngine.load` does, but with random networks of full size in place of a checkpoint.

    With `small` it has the sizes of the tests' tiny checkpoint. `options` are settings of the engine.
    """
    with weights(small=small) as given:
        return AceStepEngine.load(device, **given | options)


@contextmanager
def weights(*, small: bool) -> Iterator[dict[str, object]]:
    """Context manager in which `AceStepEngine.load` builds networks with random weights, if it gets the options that
    are yielded. With `small` the networks have the sizes of the tests' tiny checkpoint.

    At full size only the reading of weights differs from a checkpoint; tokenizers are those of the tiny checkpoint.
    """
    with tempfile.TemporaryDirectory(prefix="ace-step-") as folder, ExitStack() as stack:
        if not small:
            stack.enter_context(patch("model.ace_step.loading.networks._loaded", drawn))
        yield ace_step_options(Path(folder))


def drawn(_root: Path, part: Any, device: torch.device, dtype: torch.dtype) -> nn.Module:
    """Return the network `part` of a checkpoint, of the sizes `FULL`, with random weights that are the same at every
    call.
    """
    with torch.device("meta"):
        network = _skeleton(part.folder)
    materialised(network, device, dtype, torch.Generator(device).manual_seed(_SEED))
    return network


def _skeleton(folder: Path) -> nn.Module:
    if folder == files.TRANSFORMER:
        return Transformer(FULL.transformer)
    if folder == files.VOCODER:
        return Vocoder(FULL.vocoder)
    if folder == files.AUTOENCODER:
        return Autoencoder(FULL.autoencoder)
    return T5Encoder(FULL.text_encoder)


def materialised(network: nn.Module, device: torch.device, dtype: torch.dtype, generator: torch.Generator) -> None:
    """Assign random weights to a network on the meta device, scaled so that activations stay finite in bfloat16."""
    network.to(dtype).to_empty(device=device).eval().requires_grad_(False)
    for module in network.modules():
        for name, parameter in module.named_parameters(recurse=False):
            _fill(module, name, parameter, generator)
    if isinstance(network, Vocoder):
        _fill_analysis(network, device)


def _fill(module: nn.Module, name: str, parameter: nn.Parameter, generator: torch.Generator) -> None:
    if name == "scale_shift_table":
        parameter.normal_(0.0, _TABLES, generator=generator)
    elif name == "gamma":
        parameter.fill_(_GAMMA)
    elif "Norm" in type(module).__name__:
        parameter.fill_(float(name == "weight"))
    elif parameter.dim() >= 2:
        parameter.normal_(0.0, parameter[0].numel() ** -0.5, generator=generator)
    else:
        parameter.zero_()


def _fill_analysis(vocoder: Vocoder, device: torch.device) -> None:
    """Set the window and the filters of the mel analysis, float32; each filter takes a single frequency bin."""
    config, analysis = vocoder.config, vocoder.mel_transform
    bins = config.n_fft // 2 + 1
    analysis.spectrogram.window = torch.hann_window(config.n_fft, device=device)
    analysis.mel_scale.fb = torch.eye(bins, device=device)[:, : config.bands] * 0.01


def choices_of(*, small: bool, free_gib: float = 0.0, **options: object) -> dict[str, str]:
    """Return the environment variable that gives the engine `RandomAceStep` of a server its size and its `options`.

    With `free_gib` all device memory except that much is allocated beforehand.
    """
    return {VARIABLE: json.dumps({"small": small, "free_gib": free_gib, "options": options})}


class RandomAceStep(AceStepEngine):
    """The engine ACE-Step v1 with random weights, for a server that is started with the setting
    `MELISMA_ENGINES=ace_step=benchmarks.gpu.ace_step.random_engine:RandomAceStep`.
    """

    ballast: torch.Tensor | None = None

    @classmethod
    def load(cls, device: str, **_options: object) -> "RandomAceStep":
        """Load the engine with the options in the environment variable BENCH_GPU_ENGINE, because the server passes no
        settings to an engine given by its class.
        """
        choices = json.loads(os.environ[VARIABLE])
        with weights(small=choices["small"]) as given:
            made = cast(RandomAceStep, super().load(device, **given | choices["options"]))
        if choices["free_gib"]:
            made.ballast = _ballast(device, choices["free_gib"])
        return made

    def denoise(self, states: Sequence[SectionState]) -> None:
        """Denoise as `AceStepEngine` does, but break the device if the prompt of a song has the words `POISON`."""
        if any(POISON in cast(State, state).spec.prompt for state in states):
            _break(self._device.torch)
        super().denoise(states)


def _ballast(device: str, free_gib: float) -> torch.Tensor:
    torch.cuda.empty_cache()
    free, _ = torch.cuda.mem_get_info(device)
    return torch.empty(max(0, free - int(free_gib * (1 << 30))), dtype=torch.uint8, device=device)


def _break(device: torch.device) -> None:
    """Read a row beyond the end of a table. On a GPU this makes the device unusable, and the error is raised later."""
    table, row = torch.zeros(4, 4, device=device), torch.tensor([1 << 20], device=device)
    torch.nn.functional.embedding(row, table)
