"""Where an engine computes: types of numbers, the stream beside the denoising, and the way of sound to the host."""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

import numpy as np
import torch

from model.engine import EngineUnavailable
from model.song import Window


class Device:
    """One device. On a GPU, sound is decoded in a stream of its own, so that steps do not wait for it."""

    def __init__(self, name: str, dtype: str = "auto") -> None:
        """Open the device `name` ("cpu", "cuda:0"); `dtype` "auto" is bfloat16 on CUDA and float32 elsewhere.

        Raises:
            EngineUnavailable: this machine has no such device.
        """
        self.torch = _opened(name)
        self.dtype = _dtype(dtype, self.torch)
        self._decoding = torch.cuda.Stream(self.torch) if self.on_cuda else None  # type: ignore[no-untyped-call]
        self._host: torch.Tensor | None = None

    @property
    def on_cuda(self) -> bool:
        """Whether the device is a GPU of the CUDA kind."""
        return self.torch.type == "cuda"

    def generator(self, seed: int) -> torch.Generator:
        """A generator on the device: the streams of processors and of GPUs differ, as they do in the release."""
        return torch.Generator(self.torch).manual_seed(seed)

    @contextmanager
    def decoding(self) -> Iterator[None]:
        """Compute beside the denoising, on latents that `settle` has waited for."""
        with nullcontext() if self._decoding is None else torch.cuda.stream(self._decoding):
            yield

    def settle(self) -> None:
        """Wait until the device has done what this thread asked for.

        A step that is only on its way would be taken for one that took no time, and a cancelled song would go on.
        """
        if self.on_cuda:
            torch.cuda.current_stream(self.torch).synchronize()

    def window(self, sound: torch.Tensor) -> Window:
        """Sound [channels, samples] on the host. Pages of the host stay pinned from one window to the next."""
        if self._decoding is None:
            return sound.numpy(force=True).astype(np.float32, copy=False)
        if self._host is None or self._host.numel() < sound.numel():
            self._host = torch.empty(sound.numel(), dtype=torch.float32, pin_memory=True)
        pinned = self._host[: sound.numel()].view(sound.shape)
        pinned.copy_(sound, non_blocking=True)
        self._decoding.synchronize()
        return pinned.numpy().copy()


def _opened(name: str) -> torch.device:
    device = torch.device(name)
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        found = torch.cuda.device_count()
        raise EngineUnavailable(f"there is no device {name}: torch finds {found} CUDA devices; see 'nvidia-smi'")
    return device


def _dtype(name: str, device: torch.device) -> torch.dtype:
    if name == "auto":
        return torch.bfloat16 if device.type == "cuda" else torch.float32
    return {"float32": torch.float32, "bfloat16": torch.bfloat16}[name]
