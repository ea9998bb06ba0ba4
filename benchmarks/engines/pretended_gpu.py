"""Makes torch.compile generate kernels for a GPU that is not there: answers its queries as an H100 would.

Nothing is run: tensors are fake, and compilation stops at the kernels. Only the queries of torch and Triton to the
driver are replaced; they do not influence how kernels are fused.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from types import SimpleNamespace
from unittest import mock

import torch
from torch._dynamo.device_interface import CudaInterface
from torch._inductor import config
from torch._inductor.fx_passes import joint_graph, post_grad
from torch._subclasses import fake_tensor
from triton.backends.compiler import GPUTarget
from triton.runtime.driver import driver

NAME = "NVIDIA H100 SXM (simulated)"
_CAPABILITY = (9, 0)
_SHARED_MEMORY = 232_448
_PROPERTIES = SimpleNamespace(
    name=NAME, major=9, minor=0, total_memory=80 << 30, multi_processor_count=132, regs_per_multiprocessor=65_536,
    max_threads_per_multi_processor=2048, max_threads_per_block=1024, warp_size=32, L2_cache_size=50 << 20,
    shared_memory_per_block_optin=_SHARED_MEMORY, gcnArchName="",
)  # fmt: skip

_ANSWERS = {
    "is_available": True,
    "current_device": 0,
    "device_count": 1,
    "get_device_properties": _PROPERTIES,
    "get_device_capability": _CAPABILITY,
    "get_rng_state": torch.zeros(16, dtype=torch.uint8),
    "set_rng_state": None,
    "_lazy_init": None,
    "_exchange_device": 0,
    "_maybe_exchange_device": 0,
}
"""Results of the functions of torch.cuda for the simulated device."""


class _Driver:
    """A driver for Triton's compiler that reports a GPU."""

    utils = SimpleNamespace(get_device_properties=lambda _device: {"max_shared_mem": _SHARED_MEMORY})

    def get_current_target(self) -> GPUTarget:
        """Return the GPU architecture to compile for."""
        return GPUTarget("cuda", 90, _PROPERTIES.warp_size)

    def get_current_device(self) -> int:
        """Return the index of the simulated GPU."""
        return 0


@contextmanager
def pretended_gpu() -> Iterator[torch.device]:
    """Context manager in which torch.compile finds the simulated GPU."""
    # The compiler traces its patterns on the device when it first needs them: here, on the CPU.
    joint_graph.lazy_init(torch.device("cpu"))  # type: ignore[call-arg]
    post_grad.lazy_init()
    active = driver._active
    with ExitStack() as stack:
        for name, answer in _ANSWERS.items():
            stack.enter_context(mock.patch.object(torch.cuda, name, _answering(answer)))
        for asked in (CudaInterface, CudaInterface.Worker):
            answer = staticmethod(_answering(_PROPERTIES))
            stack.enter_context(mock.patch.object(asked, "get_device_properties", answer))
        stack.enter_context(mock.patch.object(joint_graph, "lazy_init", _answering(None)))
        stack.enter_context(mock.patch.object(fake_tensor, "init_gpu_context", _answering(None)))
        # These would run operators on the device: they time the padding of products and compute constants.
        stack.enter_context(config.patch(shape_padding=False, joint_graph_constant_folding=False))
        driver.set_active(_Driver())
        stack.callback(setattr, driver, "_active", active)
        yield torch.device("cuda:0")


def _answering(answer: object) -> Callable[..., object]:
    return lambda *_args, **_kwargs: answer
