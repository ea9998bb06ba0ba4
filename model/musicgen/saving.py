"""Serializes the codes and contexts of finished sections for other processes."""

import torch
from safetensors.torch import load, save

from model.musicgen.rendering import Carry
from model.musicgen.states import Context, Known, Tail
from model.shared.device import Device
from model.shared.saved_tensors import on_device, tensor_bytes


def known_bytes(known: Known) -> bytes:
    """Serialize audio codes, which are in host memory, as safetensors bytes."""
    return save({"codes": known.codes.contiguous(), "first": torch.tensor(known.first)})


def known_of(saved: bytes) -> Known:
    """Return audio codes from the bytes of `known_bytes`."""
    kept = load(saved)
    return Known(int(kept["first"]), kept["codes"])


def context_bytes(context: Context, device: Device) -> bytes:
    """Serialize the context that a rendered section passes to the next one."""
    known, carry = context.known, context.tail.carry
    assert carry is not None
    return tensor_bytes(
        device,
        codes=known.codes,
        places=torch.tensor([known.first, carry.end, carry.passed]),
        hidden=carry.state[0],
        cell=carry.state[1],
        inner=carry.inner,
    )


def context_of(saved: bytes, device: Device) -> Context:
    """Return a section's context from the bytes of `context_bytes`, with its tensors on the device."""
    kept = load(saved)
    first, end, passed = kept["places"].tolist()
    hidden, cell, inner = on_device(device, kept["hidden"], kept["cell"], kept["inner"])
    return Context(Known(first, kept["codes"]), Tail(Carry(end, passed, (hidden, cell), inner)))
