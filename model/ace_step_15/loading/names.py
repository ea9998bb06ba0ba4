"""Renames stored tensors to the parameter names of this package's networks: tensors of the original checkpoint, and of
Qwen3 in the library transformers.
"""

import re
from collections.abc import Callable

Rename = Callable[[str], str | None]
"""Function that returns the name in a network of a stored tensor, or `None` if the tensor belongs to another
network.
"""

_ATTENTION = {
    "q_proj": "to_q",
    "k_proj": "to_k",
    "v_proj": "to_v",
    "o_proj": "to_out.0",
    "q_norm": "norm_q",
    "k_norm": "norm_k",
}
_PART = re.compile(r"\.(" + "|".join(_ATTENTION) + r")\.")
_EDGES = {"proj_in.1.": "proj_in_conv.", "proj_out.1.": "proj_out_conv."}


def same(name: str) -> str:
    """Return the name of a tensor unchanged, because the layout of diffusers already uses the right names."""
    return name


def attention(name: str) -> str:
    """Return a tensor's name with the projections of an attention layer renamed as in diffusers."""
    return _PART.sub(lambda found: f".{_ATTENTION[found[1]]}.", name)


def adapter(name: str) -> str:
    """Return the name in the network of a LoRA adapter's tensor; the adapter was trained for diffusers or for the
    original denoiser.
    """
    return attention(name.removeprefix("decoder."))


def text_encoder(name: str) -> str | None:
    """Return the name in the network of a tensor of transformers' Qwen3; `None` for a tensor that is not needed, such
    as the output head.
    """
    if name.startswith("lm_head."):
        return None
    return attention(name.removeprefix("model."))


def transformer(name: str) -> str | None:
    """Return the name in the network of a tensor of the original denoiser; `None` for another network's tensor."""
    if (own := _within("decoder.", name)) is None:
        return None
    for there, here in _EDGES.items():
        if own.startswith(there):
            return own.replace(there, here, 1)
    return own


def condition_encoder(name: str) -> str | None:
    """Return the name in the network of a tensor of the original condition encoder or of the unconditional vector;
    `None` for another network's tensor.
    """
    return name if name == "null_condition_emb" else _within("encoder.", name)


def audio_tokenizer(name: str) -> str | None:
    """Return the name in the network of a tensor of the original audio tokenizer; `None` for another network's
    tensor.
    """
    return _within("tokenizer.", name)


def audio_detokenizer(name: str) -> str | None:
    """Return the name in the network of a tensor of the original audio detokenizer; `None` for another network's
    tensor.
    """
    return _within("detokenizer.", name)


ORIGINAL: tuple[Rename, ...] = (transformer, condition_encoder, audio_tokenizer, audio_detokenizer)
"""Renaming functions, one for each network in the original file of weights; every tensor belongs to exactly one
network.
"""


def _within(prefix: str, name: str) -> str | None:
    return attention(name.removeprefix(prefix)) if name.startswith(prefix) else None
