"""Reports the computer, the versions of packages, and the seconds that imports take."""

import importlib
import importlib.metadata
import os
import platform
import subprocess
import time
from collections.abc import Iterator

from benchmarks.gpu.figures import Figure, Setup, absent, guarded

PACKAGES = ("torch", "triton", "tokenizers", "numpy", "grpcio", "protobuf", "pydantic")
TREE = ("model.studio.engine", "model.ace_step.engine", "server.app", "server.workers.worker", "melisma_client")


def measure(setup: Setup) -> Iterator[Figure]:
    """Yield versions of packages, the output of the driver and of torch, and the seconds of each import."""
    yield Figure("python", platform.python_version())
    yield Figure("cores", len(os.sched_getaffinity(0)))
    for package in PACKAGES:
        yield Figure(f"version.{package}", _version(package))
    yield from guarded("nvidia-smi", _driver())
    for module in TREE:
        yield from guarded(f"import.{module}", _imported(module))
    yield from guarded("torch", _torch(setup))


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "not installed"


def _driver() -> Iterator[Figure]:
    query = "name,driver_version,memory.total,compute_cap,clocks.sm,clocks.mem"
    try:
        done = subprocess.run(
            ["nvidia-smi", f"--query-gpu={query}", "--format=csv,noheader"],
            capture_output=True, text=True, timeout=10.0, check=True,
        )  # fmt: skip
    except FileNotFoundError:
        yield absent("nvidia-smi", "there is no nvidia-smi here")
    else:
        yield Figure("nvidia-smi", done.stdout.strip().splitlines())


def _imported(module: str) -> Iterator[Figure]:
    started = time.perf_counter()
    importlib.import_module(module)
    yield Figure(f"import.{module}.s", round(time.perf_counter() - started, 3))


def _torch(setup: Setup) -> Iterator[Figure]:
    import torch

    yield Figure("torch.cuda", str(torch.version.cuda))
    yield Figure("torch.threads", torch.get_num_threads())
    if not setup.on_gpu:
        yield absent("gpu", "a CPU")
        return
    card = torch.cuda.get_device_properties(setup.device)
    yield Figure("gpu", card.name)
    yield Figure("gpu.processors", card.multi_processor_count)
    yield Figure("gpu.memory.gib", card.total_memory / (1 << 30))
    yield Figure("gpu.capability", f"{card.major}.{card.minor}")
    yield Figure("cudnn", torch.backends.cudnn.version() or "none")  # type: ignore[no-untyped-call]
    yield Figure("allocator", os.environ.get("PYTORCH_CUDA_ALLOC_CONF", "default"))
