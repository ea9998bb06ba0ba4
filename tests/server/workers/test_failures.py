import pytest
import torch

from model.engine import EngineUnavailable
from server.workers.execution.failures import DeviceBroken, failure_of, is_fatal, is_out_of_memory
from server.workers.messages import Fault
from tests.support.table import table

OUT_OF_MEMORY = [
    MemoryError("too large"),
    torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 1.00 GiB."),
    torch.AcceleratorError("CUDA error: out of memory"),
    RuntimeError("CUDA error: out of memory\nCompile with `TORCH_USE_CUDA_DSA` to enable device-side assertions."),
    RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
    RuntimeError("cuDNN error: CUDNN_STATUS_ALLOC_FAILED"),
    RuntimeError("cuDNN error: CUDNN_STATUS_INTERNAL_ERROR_DEVICE_ALLOCATION_FAILED"),
    RuntimeError("GET was unable to find an engine to execute this computation"),
    RuntimeError("[enforce fail at alloc_cpu.cpp:127] . DefaultCPUAllocator: can't allocate memory"),
]
FATAL = [
    torch.AcceleratorError("CUDA error: an illegal memory access was encountered"),
    torch.AcceleratorError("XPU error: device lost"),
    RuntimeError("CUDA error: unspecified launch failure"),
    RuntimeError("CUDA error: device-side assert triggered"),
    RuntimeError("CUBLAS_STATUS_EXECUTION_FAILED when calling `cublasGemmEx`"),
    RuntimeError("CUBLAS_STATUS_INTERNAL_ERROR when calling `cublasSgemm`"),
    RuntimeError("cuDNN error: CUDNN_STATUS_EXECUTION_FAILED"),
]
OTHERS = [
    ValueError("CUDA error: out of memory, sang the caller"),
    KeyError("device-side assert"),
    RuntimeError("the size of tensor a must match the size of tensor b"),
    EngineUnavailable("the checkpoint 'CUDA error' is no folder"),
]


@table("error", OUT_OF_MEMORY)
def test_lack_of_memory_is_known_in_all_spellings_and_never_fatal(error: Exception) -> None:
    assert (is_out_of_memory(error), is_fatal(error)) == (True, False)
    assert failure_of(error).fault is Fault.MEMORY


@table("error", FATAL)
def test_an_error_that_leaves_the_device_useless_is_fatal_and_no_failure_of_a_song(error: Exception) -> None:
    assert (is_out_of_memory(error), is_fatal(error)) == (False, True)
    with pytest.raises(DeviceBroken) as broken:
        failure_of(error)
    assert broken.value.__cause__ is error


@pytest.mark.parametrize("error", OTHERS, ids=repr)
def test_what_others_write_into_their_errors_is_not_taken_for_an_error_of_the_device(error: Exception) -> None:
    assert (is_out_of_memory(error), is_fatal(error)) == (False, False)


def test_an_error_that_came_from_a_fatal_one_is_fatal() -> None:
    def work() -> None:
        try:
            raise torch.AcceleratorError("CUDA error: misaligned address")
        finally:
            raise KeyError("nothing to clean up")

    with pytest.raises(KeyError) as caught:
        work()
    assert is_fatal(caught.value)


def test_a_bug_carries_its_traceback() -> None:
    try:
        raise ValueError("a bug")
    except ValueError as error:
        failure = failure_of(error)
    assert failure.fault is Fault.BUG
    assert "test_a_bug_carries_its_traceback" in failure.text
