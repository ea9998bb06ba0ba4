"""Loads the networks of a checkpoint without allocating their weights twice, and reports tensors that do not fit."""

import logging
import pickle
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import torch
from tokenizers import Tokenizer
from torch import nn

from model.ace_step_15.loading.configs import MODEL
from model.ace_step_15.loading.folders import (
    AUDIO_DETOKENIZER,
    AUDIO_TOKENIZER,
    CODEC,
    CONDITIONS,
    TEXT_ENCODER,
    TRANSFORMER,
    Folders,
    read_tokenizer,
)
from model.ace_step_15.loading.layouts import Part, made, missing, parts_of
from model.ace_step_15.networks.codec import Codec
from model.ace_step_15.networks.conditions import ConditionEncoder, TextEncoder
from model.ace_step_15.networks.tokens import AudioDetokenizer, AudioTokenizer
from model.ace_step_15.networks.transformer import Transformer
from model.engine import EngineUnavailable
from model.shared.checkpoints.filling import fill, skeleton
from model.shared.checkpoints.headers import compare
from model.shared.checkpoints.stored import open_stored

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Networks:
    """All networks of a checkpoint on one device. `audio_tokenizer` and `audio_detokenizer` are `None` if the
    checkpoint lacks them.
    """

    transformer: Transformer
    conditions: ConditionEncoder
    codec: Codec
    text_encoder: TextEncoder
    tokenizer: Tokenizer
    audio_tokenizer: AudioTokenizer | None
    audio_detokenizer: AudioDetokenizer | None


def faults(folders: Folders) -> list[str]:
    """Return the faults of a checkpoint, one sentence each, without reading its weights."""
    if found := missing(folders):
        return found
    parts = parts_of(folders)
    for part in parts.values():
        try:
            found += _part_faults(part)
        except EngineUnavailable as error:
            found.append(str(error))
    try:
        found += _strangers(parts.values())
        read_tokenizer(folders.tokenizer)
    except EngineUnavailable as error:
        found.append(str(error))
    return list(dict.fromkeys(found))


def load(folders: Folders, device: torch.device, dtype: torch.dtype) -> Networks:
    """Load all networks of a checkpoint in either layout onto `device`, with weights in `dtype`.

    Raises:
        EngineUnavailable: a file is missing or does not fit the networks; the text names each fault.
    """
    if found := faults(folders):
        raise EngineUnavailable("; ".join([*found[:8], f"download the checkpoint in the folder {folders.model} again"]))
    made = {name: _loaded(name, part, device, dtype) for name, part in parts_of(folders).items()}
    return Networks(
        cast(Transformer, made[TRANSFORMER]),
        cast(ConditionEncoder, made[CONDITIONS]),
        cast(Codec, made[CODEC]),
        cast(TextEncoder, made[TEXT_ENCODER]),
        read_tokenizer(folders.tokenizer),
        cast(AudioTokenizer | None, made.get(AUDIO_TOKENIZER)),
        cast(AudioDetokenizer | None, made.get(AUDIO_DETOKENIZER)),
    )


def _part_faults(part: Part) -> Iterator[str]:
    stored = open_stored(part.weights)
    renamed = {name: part.rename(name) for name in stored.shapes}
    empty = {own: torch.empty(stored.shapes[name], device="meta") for name, own in renamed.items() if own is not None}
    found = {name: tuple(tensor.shape) for name, tensor in part.adapt(empty).items()}
    network = skeleton(lambda: made(part))
    wanted = {name: tuple(tensor.shape) for name, tensor in network.state_dict().items() if name not in part.extra}
    yield from compare(part.weights, found, wanted, MODEL)
    for name, path in part.extra.items():
        shape, expected = tuple(_pickled(path).shape), tuple(network.state_dict()[name].shape)
        if shape != expected:
            yield f"{path} has the shape {list(shape)}, not {list(expected)} with its last two axes swapped"


def _strangers(parts: Collection[Part]) -> Iterator[str]:
    """Yield one sentence for each stored tensor that belongs to none of the networks in `parts`."""
    for weights in {part.weights for part in parts}:
        readers = [part.rename for part in parts if part.weights == weights]
        if len(readers) > 1:
            for name in open_stored(weights).shapes:
                if all(rename(name) is None for rename in readers):
                    yield f"{weights} has a tensor {name} that {MODEL} does not have"


def _loaded(name: str, part: Part, device: torch.device, dtype: torch.dtype) -> nn.Module:
    stored = open_stored(part.weights)
    _log.info("loading the ACE-Step 1.5 network %s (from files of %.1f GB)", name, stored.file_bytes / 1e9)
    network = skeleton(lambda: made(part))
    tensors = stored.tensors(device, lambda tensor: part.rename(tensor) is not None)
    renamed = {str(part.rename(tensor)): value for tensor, value in tensors.items()}
    extra = {own: _pickled(path).to(device) for own, path in part.extra.items()}
    fill(network, {**part.adapt(renamed), **extra}, dtype)
    return network


def _pickled(path: Path) -> torch.Tensor:
    """Read latents [1, channels, frames] from a file in torch's format, and return these latents as [1, frames,
    channels]. No code in the file is executed.
    """
    try:
        value: object = torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, RuntimeError, EOFError, pickle.UnpicklingError) as error:
        raise EngineUnavailable(f"{path} cannot be read ({error}): download it again") from error
    if not isinstance(value, torch.Tensor) or value.dim() != 3:
        raise EngineUnavailable(f"{path} does not contain latents: download it again")
    return value.transpose(1, 2).contiguous()
