"""Tests of the device: its settings, the messages about its faults, and, on a GPU, its streams."""

from collections.abc import Iterator
from typing import Any

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from model.engine import EngineUnavailable
from model.shared.device import Device, choose_arithmetic

TOO_OLD = (
    "The NVIDIA driver on your system is too old (found version 12020). Please update your GPU driver by downloading "
    "and installing a new version from the URL: http://www.nvidia.com/Download/index.aspx Alternatively, go to: "
    "https://pytorch.org to install a PyTorch version that has been compiled with your version of the CUDA driver."
)
needs_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU")


@pytest.fixture
def arithmetic() -> Iterator[None]:
    """Restore torch's process-wide arithmetic settings after a test."""
    matmul, cudnn = torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32
    attention = torch.backends.cuda.cudnn_sdp_enabled()  # type: ignore[no-untyped-call]
    yield
    torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32 = matmul, cudnn
    torch.backends.cuda.enable_cudnn_sdp(attention)


@pytest.mark.usefixtures("arithmetic")
@pytest.mark.parametrize(("dtype", "rounded"), [(torch.float32, False), (torch.bfloat16, True)])
def test_float32_is_rounded_only_beside_bfloat16(dtype: torch.dtype, *, rounded: bool) -> None:
    choose_arithmetic(dtype)
    assert torch.backends.cuda.matmul.allow_tf32 == torch.backends.cudnn.allow_tf32 == rounded
    assert not torch.backends.cuda.cudnn_sdp_enabled()  # type: ignore[no-untyped-call]


def opened_with(fault: Exception, patched: pytest.MonkeyPatch) -> Device:
    def fail() -> None:
        raise fault

    patched.setattr(torch.cuda, "device_count", lambda: 1)
    patched.setattr(torch.cuda, "init", fail)
    return Device("cuda:0")


def test_a_driver_that_is_too_old_is_told_with_both_versions(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(EngineUnavailable) as caught:
        opened_with(RuntimeError(TOO_OLD), monkeypatch)
    assert str(caught.value) == (
        f"cuda:0 cannot be used: the NVIDIA driver is too old: it knows CUDA up to 12.2, and torch {torch.__version__} "
        f"needs {torch.version.cuda}; update the driver of the machine, outside of any container"
    )


def test_other_faults_of_a_driver_are_told_as_torch_tells_them(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(
        EngineUnavailable, match=r"^cuda:0 cannot be used: system not yet initialized; see 'nvidia-smi'"
    ):
        opened_with(RuntimeError("system not yet initialized."), monkeypatch)


def test_what_may_pass_is_no_lasting_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(torch.AcceleratorError):
        opened_with(torch.AcceleratorError("CUDA error: out of memory"), monkeypatch)


class Broken(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Context in which every torch operation raises an error."""

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        raise RuntimeError("the device is broken")


def test_a_broken_device_is_found_by_its_check() -> None:
    device = Device("cpu")
    device.check()
    with pytest.raises(RuntimeError, match="the device is broken"), Broken():  # type: ignore[no-untyped-call]
        device.check()


def test_work_on_a_cpu_leaves_no_mark() -> None:
    device = Device("cpu")
    assert device.mark() is None
    device.use(torch.ones(1), after=None)


@pytest.mark.gpu
@pytest.mark.usefixtures("arithmetic")
@needs_gpu
def test_sound_is_decoded_before_anything_else_and_sections_are_prepared_apart() -> None:
    device, used = Device("cuda:0"), []
    for lane in (device.preparing, device.decoding):
        with lane():
            used.append(torch.cuda.current_stream())
    used.append(torch.cuda.current_stream())
    assert len({stream.cuda_stream for stream in used}) == 3
    assert [stream.priority for stream in used] == [0, -1, 0]
    device.check()


@pytest.mark.gpu
@pytest.mark.usefixtures("arithmetic")
@needs_gpu
def test_a_step_waits_for_what_was_prepared() -> None:
    device = Device("cuda:0")
    large = torch.ones(4096, 4096, device=device.torch)
    device.settle()
    with device.preparing():
        made = large
        for _ in range(20):
            made = (made @ large) / 4096
        ready = device.mark()
    device.use(made, after=ready)
    copy = made + 1
    del made
    with device.preparing():
        torch.zeros(4096, 4096, device=device.torch)  # would get the memory of the first tensor if it were free
    device.settle()
    assert torch.equal(copy, torch.full_like(copy, 2.0))
    device.check()
