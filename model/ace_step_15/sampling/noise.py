"""Draws random noise that is identical on all devices."""

import torch


def drawn(seed: int, frames: int, channels: int, device: torch.device) -> torch.Tensor:
    """Return standard normal noise [frames, channels], float32, on `device`, drawn with the random seed `seed`.

    The numbers are drawn on the host, because a GPU's generator gives other numbers than a CPU's or another GPU
    model's.
    """
    generator = torch.Generator().manual_seed(seed)
    made = torch.randn(frames, channels, generator=generator, pin_memory=device.type == "cuda")
    return made.to(device, non_blocking=True)
