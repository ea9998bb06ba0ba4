"""Serializes the contexts of sections for other processes."""

import torch
from safetensors.torch import load

from model.ace_step.sampling.states import Context, Overlap
from model.shared.device import Device
from model.shared.saved_tensors import on_device, tensor_bytes


def context_bytes(context: Context, device: Device) -> bytes:
    """Serialize the context that a rendered section passes to the next one."""
    assert context.overlap.sound is not None
    return tensor_bytes(device, tail=context.tail, beyond=context.beyond, seam=torch.from_numpy(context.overlap.sound))


def context_of(saved: bytes, device: Device) -> Context:
    """Return a section's context from the bytes of `context_bytes`, with its tensors on the device."""
    kept = load(saved)
    tail, beyond = on_device(device, kept["tail"], kept["beyond"])
    return Context(tail, beyond, Overlap(kept["seam"].numpy()))
