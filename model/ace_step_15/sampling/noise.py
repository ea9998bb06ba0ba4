"""Draws noise that is equal on every device."""

import torch


def drawn(seed: int, frames: int, channels: int, device: torch.device) -> torch.Tensor:
    """Return standard normal noise [frames, channels] of a seed, float32, on `device`.

    It is drawn on the host: a GPU's own generator gives other numbers than a CPU's, and than that of another model.
    """
    generator = torch.Generator().manual_seed(seed)
    made = torch.randn(frames, channels, generator=generator, pin_memory=device.type == "cuda")
    return made.to(device, non_blocking=True)
