"""Builds the four networks of a checkpoint without allocating their weights twice, and reports weights that do not
fit.
"""

import logging
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import torch
from tokenizers import Tokenizer
from torch import nn

from model.ace_step.loading import checkpoint as files
from model.ace_step.networks.autoencoder import Autoencoder
from model.ace_step.networks.codec import Codec
from model.ace_step.networks.config import (
    autoencoder_config,
    text_encoder_config,
    transformer_config,
    vocoder_config,
)
from model.ace_step.networks.text_encoder import TextEncoder
from model.ace_step.networks.transformer import Transformer
from model.ace_step.networks.vocoder import Vocoder
from model.engine import EngineUnavailable
from model.shared.checkpoints.configs import made_from
from model.shared.checkpoints.filling import fill, skeleton
from model.shared.checkpoints.headers import Shapes, compare
from model.shared.checkpoints.stored import open_stored
from model.shared.checkpoints.weight_norm import folded
from model.shared.networks.t5 import T5Encoder

_log = logging.getLogger(__name__)

_DEAD = (".add_q_proj.", ".add_k_proj.", ".add_v_proj.", ".to_add_out.")
"""Parts of names of tensors in the released transformer that inference does not use, a fifth of its weights."""

_TIED = "encoder.embed_tokens.weight"
_SHARED = "shared.weight"


@dataclass(frozen=True, slots=True)
class Networks:
    """All networks of a checkpoint on one device: transformer, audio codec and text encoder."""

    transformer: Transformer
    codec: Codec
    text_encoder: TextEncoder


@dataclass(frozen=True, slots=True)
class _Part:
    """One network of the checkpoint: the location of its files, and the function that builds the network without
    weights.
    """

    folder: Path
    weights: str
    skeleton: Callable[[Path, Shapes], nn.Module]
    adapt: Callable[[Mapping[str, torch.Tensor]], Mapping[str, torch.Tensor]] = dict
    dtype: torch.dtype | None = None

    def path(self, root: Path) -> Path:
        return root / self.folder / self.weights

    def empty(self, root: Path, shapes: Shapes) -> nn.Module:
        return skeleton(lambda: self.skeleton(root / self.folder / files.CONFIG, shapes))


def _transformer(config: Path, shapes: Shapes) -> nn.Module:
    return made_from(config, lambda values: Transformer(transformer_config(values, shapes)))


def _autoencoder(config: Path, _shapes: Shapes) -> nn.Module:
    try:
        return made_from(config, lambda values: Autoencoder(autoencoder_config(values)))
    except (IndexError, TypeError, ValueError) as error:
        raise EngineUnavailable(
            f"{config} does not describe the autoencoder of ACE-Step v1 ({error}): download it again"
        ) from error


def _vocoder(config: Path, _shapes: Shapes) -> nn.Module:
    return made_from(config, lambda values: Vocoder(vocoder_config(values)))


def _text_encoder(config: Path, _shapes: Shapes) -> nn.Module:
    return made_from(config, lambda values: T5Encoder(text_encoder_config(values)))


def _one_table(weights: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Return the text encoder's weights with the token embedding table under only one of its two names. A file may
    contain the table under either name or under both.
    """
    made = dict(weights)
    table = made.pop(_TIED, None)
    return made if table is None else {_SHARED: table} | made


def is_dead(name: str) -> bool:
    """Return True if inference does not use the tensor `name` of the released transformer."""
    return name.startswith("projectors.") or any(part in name for part in _DEAD)


PARTS = (
    _Part(files.TRANSFORMER, files.WEIGHTS, _transformer),
    _Part(files.AUTOENCODER, files.WEIGHTS, _autoencoder),
    _Part(files.VOCODER, files.WEIGHTS, _vocoder, folded, torch.float32),
    _Part(files.TEXT_ENCODER, files.TEXT_WEIGHTS, _text_encoder, _one_table),
)


def faults(root: Path) -> list[str]:
    """Return the faults of the checkpoint in the folder `root`, one sentence each. The function reads only file headers
    and configurations, not the weights.
    """
    found = files.missing(root)
    if not found:
        for part in PARTS:
            try:
                found += _part_faults(root, part)
            except EngineUnavailable as error:
                found.append(str(error))
        found += _tokenizer_faults(root)
    return found


def _part_faults(root: Path, part: _Part) -> Iterator[str]:
    path = part.path(root)
    shapes = {name: shape for name, shape in open_stored(path).shapes.items() if not is_dead(name)}
    stored = {name: torch.empty(shape, device="meta") for name, shape in shapes.items()}
    wanted = {name: tuple(tensor.shape) for name, tensor in part.empty(root, shapes).state_dict().items()}
    adapted = {name: tuple(tensor.shape) for name, tensor in part.adapt(stored).items()}
    return compare(path, adapted, wanted, "ACE-Step v1")


def _tokenizer_faults(root: Path) -> Iterator[str]:
    try:
        _tokenizer(root)
    except EngineUnavailable as error:
        yield str(error)


def _tokenizer(root: Path) -> Tokenizer:
    path = root / files.TEXT_ENCODER / files.TOKENIZER
    try:
        return Tokenizer.from_file(str(path))
    except Exception as error:  # the library raises no more specific exception class
        raise EngineUnavailable(f"{path} is not a tokenizer ({error}): download it again") from error


def load(root: Path, device: torch.device, dtype: torch.dtype) -> Networks:
    """Load the checkpoint in the folder `root`; all weights are converted to `dtype`, except those of the vocoder,
    which stay float32.

    In bfloat16 the vocoder, which is small, would add noise 37 dB below the sound (measured with random weights).

    Raises:
        EngineUnavailable: a file is missing or does not fit; the text names each fault.
    """
    files.require(root)
    if found := faults(root):
        raise EngineUnavailable("; ".join([*found[:8], f"download the checkpoint in the folder {root} again"]))
    transformer, autoencoder, vocoder, text = (_loaded(root, part, device, part.dtype or dtype) for part in PARTS)
    for half in (autoencoder.encoder, autoencoder.decoder):
        _take_any_type(cast(nn.Module, half), dtype)
    codec = Codec(cast(Autoencoder, autoencoder), cast(Vocoder, vocoder)).eval()
    return Networks(cast(Transformer, transformer), codec, TextEncoder(cast(T5Encoder, text), _tokenizer(root)))


def _loaded(root: Path, part: _Part, device: torch.device, dtype: torch.dtype) -> nn.Module:
    stored = open_stored(part.path(root))
    _log.info("loading the ACE-Step network %s (%.1f GB)", part.folder, stored.file_bytes / 1e9)
    network = part.empty(root, stored.shapes)
    fill(network, part.adapt(stored.tensors(device, lambda name: not is_dead(name))), dtype)
    return network


def _take_any_type(network: nn.Module, dtype: torch.dtype) -> None:
    """Add hooks to a network with weights in `dtype`, so that it accepts input of any data type and returns float32."""
    network.register_forward_pre_hook(lambda _network, given: (given[0].to(dtype),))
    network.register_forward_hook(lambda _network, _given, made: made.float())
