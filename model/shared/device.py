"""The device on which an engine computes: data types, CUDA streams, and copies of sound to the host."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch

from model.engine import EngineUnavailable
from model.shared.process_state import process_state
from model.song import Window

_AT_ONCE = -1
"""CUDA priority (high) of the decoding stream, because callers wait for windows of sound, which take less time than a
step.
"""


class Device:
    """The device on which an engine computes, with its CUDA streams.

    On a GPU, sound is decoded in one stream and sections are prepared in another, so that decoding, preparing and
    denoising do not wait for each other. Denoising uses the current stream of its thread, the device's default one.
    """

    def __init__(self, name: str, dtype: str = "auto") -> None:
        """Open the device `name` ("cpu", "cuda:0"); `dtype` "auto" is bfloat16 on CUDA and float32 elsewhere.

        On CUDA this also sets, for the whole process, torch's attention kernels and multiplication precision.

        Raises:
            EngineUnavailable: the computer does not have the device, or its driver cannot be used.
        """
        self.torch = _opened(name)
        self.dtype = _dtype(dtype, self.torch)
        self._decoding: torch.cuda.Stream | None = None
        self._preparing: torch.cuda.Stream | None = None
        if self.on_cuda:
            choose_arithmetic(self.dtype)
            self._decoding = torch.cuda.Stream(self.torch, priority=_AT_ONCE)  # type: ignore[no-untyped-call]
            self._preparing = torch.cuda.Stream(self.torch)  # type: ignore[no-untyped-call]
        self._host: torch.Tensor | None = None

    @property
    def on_cuda(self) -> bool:
        """True if the device is a CUDA GPU, false for a CPU."""
        return self.torch.type == "cuda"

    @contextmanager
    def decoding(self) -> Iterator[None]:
        """Context manager that queues torch operations in the CUDA stream for decoding. Latents computed in another
        stream must be complete before (`settle`).
        """
        with self._on(self._decoding):
            yield

    @contextmanager
    def preparing(self) -> Iterator[None]:
        """Context manager that queues torch operations in the CUDA stream for preparing sections. Call `mark` or
        `settle` at its end to know when the results are complete.
        """
        with self._on(self._preparing):
            yield

    def mark(self) -> torch.cuda.Event | None:
        """Record and return a CUDA event that occurs when all operations queued in the current stream are finished;
        `None` on a device that is not CUDA.
        """
        return torch.cuda.current_stream(self.torch).record_event() if self.on_cuda else None

    def use(self, *tensors: torch.Tensor, after: torch.cuda.Event | None = None) -> None:
        """Make the current CUDA stream wait for the event `after`, before it uses tensors that another stream computed.

        The memory of the tensors is not reused before the current stream has finished.
        """
        if not self.on_cuda:
            return
        stream = torch.cuda.current_stream(self.torch)
        if after is not None:
            stream.wait_event(after)
        for tensor in tensors:
            tensor.record_stream(stream)

    def settle(self) -> None:
        """Block until the device has finished the operations queued in the current stream, without using CPU time.

        Without this wait, denoising steps would seem to take no time, and operations of cancelled songs would stay
        queued.
        """
        if self.on_cuda:
            done = torch.cuda.Event(blocking=True)  # type: ignore[no-untyped-call]
            done.record(torch.cuda.current_stream(self.torch))
            done.synchronize()

    def check(self) -> None:
        """Run a trivial operation in every CUDA stream and wait for its result.

        Raises:
            RuntimeError: the device is broken.
        """
        streams = [torch.cuda.default_stream(self.torch), self._decoding, self._preparing] if self.on_cuda else [None]
        for stream in streams:
            with self._on(stream):
                two = torch.ones(1, device=self.torch).add_(1)
                self.settle()
                if two.item() != 2.0:
                    raise RuntimeError(
                        f"the device {self.torch} computes wrongly, 1 + 1 is {two.item()} there: the process has to "
                        "be restarted"
                    )

    def window(self, sound: torch.Tensor) -> Window:
        """Copy sound [channels, samples] from the device to host memory and return it; call this method within
        `decoding`.

        The pinned host memory for the copy is reused for the next window.
        """
        if self._decoding is None:
            return sound.numpy(force=True).astype(np.float32, copy=False)
        if self._host is None or self._host.numel() < sound.numel():
            self._host = torch.empty(sound.numel(), dtype=torch.float32, pin_memory=True)
        pinned = self._host[: sound.numel()].view(sound.shape)
        pinned.copy_(sound, non_blocking=True)
        self.settle()
        return pinned.numpy().copy()

    @contextmanager
    def _on(self, stream: torch.cuda.Stream | None) -> Iterator[None]:
        if stream is None:
            yield
            return
        # The device is made current first, because leaving the stream would otherwise create a CUDA context on GPU 0.
        with torch.cuda.device(self.torch), torch.cuda.stream(stream):
            yield


def shares_steps(chosen: str, device: torch.device, dtype: torch.dtype) -> bool:
    """Return True if the denoising steps of several songs share forward passes. `chosen` is "on", "off" or "auto" (on
    if sharing changes the sound only negligibly).
    """
    if chosen == "auto":
        return device.type == "cpu" and dtype is torch.float32
    return chosen == "on"


def choose_arithmetic(dtype: torch.dtype) -> None:
    """Set, for the whole process, torch's attention kernels and multiplication precision on CUDA for weights in
    `dtype`.

    With float32 weights, all products are computed in float32. With bfloat16 weights, products of float32 operands may
    be computed as TF32: those of linear attention, whose factors are widened bfloat16 numbers, and the convolutions of
    the vocoder.
    """
    with process_state:
        # cuDNN would build an execution plan for every new shape of attention, which takes longer than a step.
        torch.backends.cuda.enable_cudnn_sdp(False)
        torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = dtype is torch.bfloat16


def _opened(name: str) -> torch.device:
    device = torch.device(name)
    if device.type != "cuda":
        return device
    found = torch.cuda.device_count()
    if (device.index or 0) >= found:
        raise EngineUnavailable(
            f"there is no device {name}: torch finds {found} CUDA devices; check the name of the device and "
            "'nvidia-smi'"
        )
    try:
        torch.cuda.init()  # type: ignore[no-untyped-call]
    except torch.AcceleratorError:
        raise  # may be temporary, as when a process that has just ended still occupies memory
    except RuntimeError as error:
        raise EngineUnavailable(f"{name} cannot be used: {_driver_fault(str(error))}") from error
    return device


def _driver_fault(message: str) -> str:
    """Return a message for operators that explains a fault of the GPU driver, from torch's error text `message`."""
    version = re.search(r"too old \(found version (\d+)\)", message)
    if version is None:
        return f"{message.strip().rstrip('.')}; see 'nvidia-smi' and the driver's log ('dmesg')"
    major, minor = divmod(int(version[1]) // 10, 100)
    return (
        f"the NVIDIA driver is too old: it knows CUDA up to {major}.{minor}, and torch {torch.__version__} needs "
        f"{torch.version.cuda}; update the driver of the machine, outside of any container"
    )


def _dtype(name: str, device: torch.device) -> torch.dtype:
    if name == "auto":
        return torch.bfloat16 if device.type == "cuda" else torch.float32
    return {"float32": torch.float32, "bfloat16": torch.bfloat16}[name]
