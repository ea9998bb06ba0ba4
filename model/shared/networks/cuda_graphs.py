"""Records operations on tensors at fixed addresses as CUDA graphs, which replay all kernel launches by one call."""

from collections.abc import Callable, Sequence

import torch

Work = Callable[[], None]
Recorder = Callable[[Work], Work]
"""Function that records work on tensors at fixed addresses, and returns a function that repeats the work on the
tensors' present values.
"""

_WARM_RUNS = 2


def cuda_recorder(device: torch.device) -> Recorder:
    """Return a function that records operations on `device` as CUDA graphs. All graphs share one memory pool, which is
    safe because no two graphs run at the same time.
    """
    stream = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]
    pool = torch.cuda.graph_pool_handle()

    def record(work: Work) -> Work:
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.device(device):
            # In the first runs, libraries allocate memory and choose algorithms, which is not allowed while recording.
            stream.wait_stream(torch.cuda.current_stream(device))
            with torch.cuda.stream(stream):
                for _ in range(_WARM_RUNS):
                    work()
            torch.cuda.current_stream(device).wait_stream(stream)
            with torch.cuda.graph(graph, pool=pool, stream=stream, capture_error_mode="thread_local"):
                work()
        replay: Work = graph.replay
        return replay

    return record


def beginning(memory: torch.Tensor, sizes: Sequence[int]) -> torch.Tensor:
    """Return the first elements of the flat tensor `memory` as a view of the shape `sizes`."""
    return memory[: torch.Size(sizes).numel()].view(sizes)


def fill(place: torch.Tensor, given: torch.Tensor, axis: int) -> None:
    """Copy `given` into the beginning of `place` along `axis`, and zeros into the rest."""
    length = given.shape[axis]
    place.narrow(axis, 0, length).copy_(given)
    place.narrow(axis, length, place.shape[axis] - length).zero_()
