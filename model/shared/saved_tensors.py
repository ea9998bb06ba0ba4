"""Serializes tensors for other processes, in the safetensors format."""

import torch
from safetensors.torch import load, save

from model.shared.device import Device


def tensor_bytes(device: Device, **tensors: torch.Tensor) -> bytes:
    """Serialize copies of tensors as safetensors bytes. `Device.settle` must have been called before; denoising may
    continue during the call.
    """
    with device.preparing():
        return save({name: tensor.contiguous().cpu() for name, tensor in tensors.items()})


def on_device(device: Device, *tensors: torch.Tensor) -> list[torch.Tensor]:
    """Return copies of tensors on the device."""
    with device.preparing():
        copied = [tensor.to(device.torch) for tensor in tensors]
        device.settle()
    return copied


def latents_bytes(latents: torch.Tensor, device: Device) -> bytes:
    """Serialize the latents of a finished section as safetensors bytes."""
    return tensor_bytes(device, latents=latents)


def latents_of(saved: bytes, device: Device) -> torch.Tensor:
    """Return the latents from the bytes of `latents_bytes`, as a tensor on the device."""
    return on_device(device, load(saved)["latents"])[0]
