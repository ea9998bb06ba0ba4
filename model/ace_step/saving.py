"""Serializes sections for other processes: tensors in the safetensors format."""

import torch
from safetensors.torch import load, save

from model.ace_step.sampling.states import Context, Seam
from model.shared.device import Device


def context_bytes(context: Context, device: Device) -> bytes:
    """Serialize a context whose seam is known."""
    assert context.seam.sound is not None
    return _bytes(device, tail=context.tail, beyond=context.beyond, seam=torch.from_numpy(context.seam.sound))


def context_of(saved: bytes, device: Device) -> Context:
    """Restore a context from `context_bytes`, on the device."""
    kept = load(saved)
    tail, beyond = _on_device(device, kept["tail"], kept["beyond"])
    return Context(tail, beyond, Seam(kept["seam"].numpy()))


def latents_bytes(latents: torch.Tensor, device: Device) -> bytes:
    """Serialize finished latents: 512 bytes for each frame, 330 kB per minute."""
    return _bytes(device, latents=latents)


def latents_of(saved: bytes, device: Device) -> torch.Tensor:
    """Restore latents from `latents_bytes`, on the device."""
    return _on_device(device, load(saved)["latents"])[0]


def _bytes(device: Device, **tensors: torch.Tensor) -> bytes:
    """Serialize copies of the tensors while denoising continues; `Device.settle` must have been called before."""
    with device.preparing():
        return save({name: tensor.contiguous().cpu() for name, tensor in tensors.items()})


def _on_device(device: Device, *tensors: torch.Tensor) -> list[torch.Tensor]:
    with device.preparing():
        copied = [tensor.to(device.torch) for tensor in tensors]
        device.settle()
    return copied
