"""Loads the networks of a checkpoint without allocating their weights twice, and reports tensors that do not fit."""

import logging
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from tokenizers import Tokenizer
from torch import nn

from model.engine import EngineUnavailable
from model.musicgen.loading.configs import MODEL
from model.musicgen.loading.folders import CONFIG, TOKENIZER, WEIGHTS, read_config, read_tokenizer
from model.musicgen.networks.codec import Codec
from model.musicgen.networks.config import ModelConfig
from model.musicgen.networks.decoder import Decoder
from model.musicgen.networks.projections import Projections
from model.shared.checkpoints.filling import fill, skeleton
from model.shared.checkpoints.headers import compare
from model.shared.checkpoints.stored import index_of, open_stored
from model.shared.checkpoints.weight_norm import folded
from model.shared.networks.t5 import T5Encoder

_log = logging.getLogger(__name__)

_UNUSED = re.compile(
    r"\.codebook\.(inited|cluster_size|embed_avg)$"  # statistics that only training needs
    r"|^decoder\.model\.decoder\.embed_positions\.weights$"  # sinusoidal position embeddings, which are computed
    r"|^text_encoder\.encoder\.embed_tokens\.weight$"  # a copy of text_encoder.shared
)
_NEW_NORM = re.compile(r"\.parametrizations\.weight\.original([01])$")
_PROJECTIONS = ("enc_to_dec_proj.", "audio_enc_to_dec_proj.")


@dataclass(frozen=True, slots=True)
class Networks:
    """All networks of a checkpoint on one device: text encoder, language model, projections and audio codec."""

    config: ModelConfig
    decoder: Decoder
    projections: Projections
    codec: Codec
    text_encoder: T5Encoder
    tokenizer: Tokenizer


@dataclass(frozen=True, slots=True)
class _Part:
    """One network in the checkpoint's file; `make` creates it without its weights.

    `rename` returns the name that a stored tensor has in the network; `None` if the tensor belongs to another network.
    `adapt` converts the renamed tensors to those that the network has; by default it changes nothing.
    """

    make: Callable[[], nn.Module]
    rename: Callable[[str], str | None]
    adapt: Callable[[Mapping[str, torch.Tensor]], Mapping[str, torch.Tensor]] = dict


def faults(folder: Path) -> list[str]:
    """Return the faults of a checkpoint, one sentence each, without reading its weights."""
    weights = folder / WEIGHTS
    index = index_of(weights)
    files = [folder / CONFIG, folder / TOKENIZER, index if index.is_file() else weights]
    if missing := [f"{path} is missing" for path in files if not path.is_file()]:
        return missing
    try:
        read_tokenizer(folder / TOKENIZER)
        return list(_weight_faults(weights, read_config(folder)))
    except EngineUnavailable as error:
        return [str(error)]


def load(folder: Path, device: torch.device, dtype: torch.dtype) -> Networks:
    """Load all networks of a checkpoint; the audio codec computes in float32, the others in `dtype`.

    Raises:
        EngineUnavailable: a file is missing or does not fit the networks; the text names each fault.
    """
    if found := faults(folder):
        raise EngineUnavailable("; ".join([*found[:8], f"download the checkpoint in the folder {folder} again"]))
    config, stored = read_config(folder), open_stored(folder / WEIGHTS)
    _log.info("loading the networks of MusicGen (from files of %.1f GB)", stored.file_bytes / 1e9)
    made = {}
    for name, part in _parts(config).items():
        tensors = stored.tensors(device, lambda tensor, part=part: _own(part, tensor) is not None)  # type: ignore[misc]
        renamed = {str(_own(part, tensor)): value for tensor, value in tensors.items()}
        made[name] = skeleton(part.make)
        fill(made[name], part.adapt(renamed), torch.float32 if name == "codec" else dtype)
    return Networks(config=config, tokenizer=read_tokenizer(folder / TOKENIZER), **made)  # type: ignore[arg-type]


def _parts(config: ModelConfig) -> Mapping[str, _Part]:
    return {
        "decoder": _Part(lambda: Decoder(config.decoder), _decoder_name),
        "projections": _Part(lambda: Projections(config), _projection_name),
        "codec": _Part(lambda: Codec(config.codec), _codec_name, folded),
        "text_encoder": _Part(lambda: T5Encoder(config.text), _text_name),
    }


def _weight_faults(weights: Path, config: ModelConfig) -> Iterator[str]:
    shapes = open_stored(weights).shapes
    parts = _parts(config).values()
    for part in parts:
        renamed = {name: _own(part, name) for name in shapes}
        empty = {own: torch.empty(shapes[name], device="meta") for name, own in renamed.items() if own is not None}
        found = {name: tuple(tensor.shape) for name, tensor in part.adapt(empty).items()}
        wanted = {name: tuple(tensor.shape) for name, tensor in skeleton(part.make).state_dict().items()}
        yield from compare(weights, found, wanted, MODEL)
    for name in shapes:
        if not _UNUSED.search(name) and all(_own(part, name) is None for part in parts):
            yield f"{weights} has a tensor {name} that {MODEL} does not have"


def _own(part: _Part, name: str) -> str | None:
    return None if _UNUSED.search(name) else part.rename(name)


def _decoder_name(name: str) -> str | None:
    if name.startswith("decoder.lm_heads."):
        return name.removeprefix("decoder.")
    return _within("decoder.model.decoder.", name)


def _projection_name(name: str) -> str | None:
    return name if name.startswith(_PROJECTIONS) else None


def _codec_name(name: str) -> str | None:
    """Return the parameter name in the codec of a stored tensor; `None` if the tensor belongs to another network. Newer
    files use other names for the two parts of normalised weights.
    """
    own = _within("audio_encoder.", name)
    return None if own is None else _NEW_NORM.sub(lambda found: ".weight_" + "gv"[int(found[1])], own)


def _text_name(name: str) -> str | None:
    return _within("text_encoder.", name)


def _within(prefix: str, name: str) -> str | None:
    return name.removeprefix(prefix) if name.startswith(prefix) else None
