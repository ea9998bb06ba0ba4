"""Tests that compiled passes and CUDA graphs give the same results as plain passes."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
import torch
import torch._dynamo
from torch._dynamo.backends.registry import _COMPILER_FNS

from model.ace_step_15.engine import AceStep15Engine
from model.ace_step_15.loading.folders import Folders
from model.ace_step_15.loading.networks import load
from model.ace_step_15.networks.contexts import ContextCache
from model.ace_step_15.networks.transformer import Transformer
from model.ace_step_15.sampling.batched_forward import BatchedForward
from model.ace_step_15.sampling.pass_graphs import BUCKET, LAUNCH_BOUND, SHAPES, PassGraphs
from model.ace_step_15.sampling.trajectories import Row
from model.engine import EngineUnavailable
from model.shared.networks.cuda_graphs import Work, cuda_recorder
from model.shared.networks.recorded_passes import Shape
from tests.model.ace_step_15.songs import made, params
from tests.support.ace_step_15 import DATA
from tests.support.ace_step_15_checkpoint import write_adapter

ANY_LENGTH = 100.0


def transformer(device: str = "cpu") -> Transformer:
    folders = Folders(DATA / "checkpoint", DATA / "checkpoint")
    return load(folders, torch.device(device), torch.float32).transformer


def drawn(seed: int, *shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


@torch.no_grad()
def context(model: Transformer, tokens: int) -> ContextCache:
    return model.cached(drawn(tokens, 1, tokens, 32).to(model.device))


def row(model: Transformer, frames: int, tokens: int, time: float = 0.7) -> Row:
    latents, given = drawn(frames, frames, 8), drawn(frames + 1, frames, 16)
    return Row(latents.to(model.device), given.to(model.device), time, context(model, tokens))


def batches(model: Transformer) -> list[list[Row]]:
    return [
        [row(model, 64, 64)],
        [row(model, 37, 20), row(model, 37, 1)],
        [row(model, 201, 130)],
        [row(model, 100, 64, 0.3), row(model, 96, 9), row(model, 33, 5, 1.0)],
        [row(model, 14, 7)],  # every token attends to every other
        [row(model, 10 + each, 10 + each) for each in range(5)],
    ]


def close(ours: Sequence[torch.Tensor], expected: Sequence[torch.Tensor]) -> None:
    for one, other in zip(ours, expected, strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=1e-4)


@pytest.fixture
def graphs_compiled() -> Iterator[list[int]]:
    """Yield a list with one number, the count of graphs that torch has compiled since the start of the test; exceeding
    dynamo's limit of recompilations raises an error.
    """
    count = [0]

    def backend(graph: torch.fx.GraphModule, _inputs: list[torch.Tensor]) -> torch.fx.GraphModule:
        count[0] += 1
        return graph

    torch._dynamo.reset()
    torch._dynamo.register_backend(compiler_fn=backend, name="counting")
    with torch._dynamo.config.patch(fail_on_recompile_limit_hit=True):
        yield count
    _COMPILER_FNS.pop("counting")
    torch._dynamo.reset()


def test_blocks_that_are_compiled_once_serve_all_shapes_and_masks(graphs_compiled: list[int]) -> None:
    plain, model = BatchedForward(transformer(), slack=ANY_LENGTH), transformer()
    compiled = BatchedForward(model, slack=ANY_LENGTH, compiled=True, backend="counting")
    for batch in batches(model):
        if len(batch) > 1:  # a single row is compiled separately, which takes long and is tested on a GPU
            close(compiled(batch), plain(batch))
    assert graphs_compiled == [3], "the three parts of a block"


class FakeRecorder:
    """Fake of a CUDA graph recorder: runs the recorded work again instead of replaying a graph, and counts the
    replays.
    """

    def __init__(self) -> None:
        self.replayed = 0

    def __call__(self, work: Work) -> Work:
        work()

        def again() -> None:
            self.replayed += 1
            work()

        return again


def test_replayed_passes_make_what_plain_ones_make() -> None:
    model, recorder = transformer(), FakeRecorder()
    plain, replaying = (BatchedForward(model, slack=ANY_LENGTH) for _ in range(2))
    shapes = [Shape(1, BUCKET, 64), Shape(2, BUCKET, 64), Shape(2, BUCKET, 128), Shape(3, BUCKET, 64)]
    replaying._graphs = PassGraphs(model, recorder, shapes)
    pair, long = [row(model, 50, 20), row(model, 128, 9, 0.1)], [row(model, 60, 100), row(model, 60, 5)]
    for batch in (pair, pair, long, pair, [row(model, 100, 64)], *batches(model)):
        close(replaying(batch), plain(batch))
    assert recorder.replayed == 5 + 4
    for tokens in range(3, 6):  # each cache is deleted before the next, which may get its address
        close(replaying([row(model, 40, tokens)]), plain([row(model, 40, tokens)]))


def test_what_is_recorded_is_bounded_by_launches() -> None:
    assert len(SHAPES) == len(set(SHAPES))
    assert all(shape.rows * shape.frames <= LAUNCH_BOUND for shape in SHAPES)


def test_what_does_not_go_together_is_refused(folder: Path, tmp_path: Path) -> None:
    write_adapter(tmp_path / "loras" / "rap")
    with pytest.raises(
        EngineUnavailable, match="cannot be used with a compiled network or CUDA graphs: leave 'loras' empty"
    ):
        AceStep15Engine.load("cpu", checkpoint=str(folder), compile=True, loras=str(tmp_path / "loras"))
    plain = BatchedForward(transformer())
    plain._run_each_variant()  # the passes that are run to compile the blocks
    plain._wants_graphs = True
    with pytest.raises(EngineUnavailable, match="CUDA graphs need a CUDA device"):
        plain.warm()


needs_a_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")


@pytest.mark.gpu
@needs_a_gpu
@pytest.mark.parametrize("compiled", [False, True])
def test_captured_and_compiled_passes_on_a_gpu_make_what_plain_ones_make(*, compiled: bool) -> None:
    plain, model = BatchedForward(transformer("cuda"), slack=ANY_LENGTH), transformer("cuda")
    fast = BatchedForward(model, slack=ANY_LENGTH, compiled=compiled)
    fast.warm()
    fast._graphs = PassGraphs(model, cuda_recorder(model.device), [Shape(1, BUCKET, 64), Shape(2, BUCKET, 64)])
    for _ in range(2):
        for batch in batches(model):
            close(fast(batch), plain(batch))


@pytest.mark.gpu
@needs_a_gpu
@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_a_gpu_makes_about_the_song_of_a_cpu(engine: AceStep15Engine, folder: Path, dtype: str) -> None:
    there = AceStep15Engine.load("cuda:0", checkpoint=str(folder), dtype=dtype)
    asked = params(steps=2, guidance_scale=1.0)
    expected, found = made(engine, asked), made(there, asked)
    ours, theirs = found.trajectory.latents.cpu(), expected.trajectory.latents
    share = 1e-3 if dtype == "float32" else 0.1
    torch.testing.assert_close(ours, theirs, rtol=0, atol=share * float(theirs.abs().max()))
    sound = torch.cat([torch.from_numpy(window) for window in there.render(found)], dim=1)
    assert sound.isfinite().all()
    assert sound.shape[1] == there.plan(asked).engine_samples
