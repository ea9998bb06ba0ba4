import gc
import weakref
from collections.abc import Iterator, Sequence

import pytest
import torch
import torch._dynamo
from torch._dynamo.backends.registry import _COMPILER_FNS

from model.ace_step.networks.config import LyricEncoderConfig, TransformerConfig
from model.ace_step.networks.contexts import ContextBatch, ContextCache
from model.ace_step.networks.transformer import ERG_FACTOR, Transformer
from model.ace_step.sampling import pass_graphs
from model.ace_step.sampling.batched_forward import BatchedForward
from model.ace_step.sampling.pass_graphs import LAUNCH_BOUND, SHAPES, PassGraphs
from model.ace_step.sampling.trajectories import Row
from model.engine import EngineUnavailable
from model.shared.networks.cuda_graphs import Work, cuda_recorder
from model.shared.networks.recorded_passes import Shape

TINY = TransformerConfig(
    heads=2, head_width=8, layers=16, patch_width=64, text_width=12, speaker_width=6, lyric_vocabulary=40,
    lyric=LyricEncoderConfig(width=16, heads=2, hidden=32, layers=6),
)  # fmt: skip


def random_transformer(device: str = "cpu") -> Transformer:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = Transformer(TINY)
        for parameter in model.parameters():
            torch.nn.init.normal_(parameter, std=0.2)
    return model.eval().requires_grad_(False).to(device)


def context(model: Transformer, tokens: int, sharpness: float = 1.0) -> ContextCache:
    generator = torch.Generator().manual_seed(tokens)
    return model.cached(torch.randn(1, tokens, TINY.width, generator=generator).to(model.device), sharpness)


def row(frames: int, cache: ContextCache) -> Row:
    generator = torch.Generator().manual_seed(frames)
    return Row(torch.randn(1, 8, 16, frames, generator=generator).to(cache.keys.device), 3.0 * frames, cache)


def guided(model: Transformer, frames: int, tokens: int) -> list[Row]:
    return [row(frames, context(model, tokens)), row(frames, context(model, tokens, ERG_FACTOR))]


def close(ours: list[torch.Tensor], expected: list[torch.Tensor]) -> None:
    for one, other in zip(ours, expected, strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=1e-4)


class FakeRecorder:
    """Fake of a CUDA graph recorder: runs the recorded work again instead of replaying a graph, and counts recordings
    and replays.
    """

    def __init__(self) -> None:
        self.recorded = self.replayed = 0

    def __call__(self, work: Work) -> Work:
        self.recorded += 1
        work()

        def again() -> None:
            self.replayed += 1
            work()

        return again


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


@torch.no_grad()
def test_two_compiled_blocks_serve_all_shapes(graphs_compiled: list[int]) -> None:
    plain, model = BatchedForward(random_transformer()), random_transformer()
    compiled = BatchedForward(model, compiled=True, backend="counting")
    compiled.warm()
    assert graphs_compiled == [2]
    batches = [
        [row(64, context(model, 64))],  # neither frames nor tokens are padded
        guided(model, 37, 20),
        guided(model, 64, 64),
        [row(200, context(model, 130))],
        [*guided(model, 100, 64), *guided(model, 96, 9), row(90, context(model, 5))],
        [row(70 + each, context(model, 10 + each)) for each in range(9)],
        [row(20, context(model, 7, ERG_FACTOR))],
    ]
    for batch in batches:
        close(compiled(batch), plain(batch))
    assert graphs_compiled == [2]


@torch.no_grad()
def test_contexts_are_stacked_once_for_a_batch_and_let_go_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    model = random_transformer()
    forward, made = BatchedForward(model), 0
    of = ContextBatch.of

    def counted(*given: object, **how: object) -> ContextBatch:
        nonlocal made
        made += 1
        return of(*given, **how)  # type: ignore[arg-type]

    monkeypatch.setattr(ContextBatch, "of", counted)
    rows = guided(model, 20, 9)
    for _ in range(3):
        forward(rows)
    assert made == 1
    forward(rows[:1])
    assert made == 2
    forward(rows)
    assert made == 3
    stacked = weakref.ref(next(iter(forward._stacks._kept.values())).keys)
    del rows
    gc.collect()
    assert stacked() is None


@torch.no_grad()
def test_a_velocity_keeps_no_other_rows_in_memory() -> None:
    model = random_transformer()
    for velocity in BatchedForward(model)(guided(model, 20, 9)):
        assert velocity.untyped_storage().nbytes() == velocity.numel() * 4


@torch.no_grad()
def test_replayed_passes_make_what_plain_ones_make(monkeypatch: pytest.MonkeyPatch) -> None:
    model = random_transformer()
    recorder = FakeRecorder()
    shapes = [Shape(1, 64, 64), Shape(2, 64, 64), Shape(2, 64, 128), Shape(2, 128, 64)]
    plain, replaying = BatchedForward(model), BatchedForward(model)
    replaying._graphs = PassGraphs(model, recorder, shapes)
    assert recorder.recorded == len(shapes)
    loads: list[Shape] = []
    load = pass_graphs._Tensors.load_contexts

    def noted(tensors: pass_graphs._Tensors, shape: Shape, caches: Sequence[ContextCache]) -> None:
        loads.append(shape)
        load(tensors, shape, caches)

    monkeypatch.setattr(pass_graphs._Tensors, "load_contexts", noted)
    short, long, other = guided(model, 50, 20), guided(model, 60, 100), guided(model, 33, 21)
    for batch in (short, short, long, other, short, [row(64, context(model, 64))], guided(model, 120, 3)):
        close(replaying(batch), plain(batch))
    assert recorder.replayed == 7
    assert loads == [
        Shape(2, 64, 64), Shape(2, 64, 128), Shape(2, 64, 64), Shape(2, 64, 64), Shape(1, 64, 64), Shape(2, 128, 64)
    ]  # fmt: skip
    for batch in ([row(65, context(model, 3))], guided(model, 20, 129), [*guided(model, 60, 5), *guided(model, 60, 6)]):
        close(replaying(batch), plain(batch))
    assert recorder.replayed == 7, "these have shapes that were not recorded"


@torch.no_grad()
def test_a_context_is_loaded_anew_when_another_one_takes_its_place_in_memory() -> None:
    model = random_transformer()
    plain, replaying = BatchedForward(model), BatchedForward(model)
    replaying._graphs = PassGraphs(model, FakeRecorder(), [Shape(1, 64, 64)])
    for tokens in range(3, 9):  # each cache is deleted before the next, which may get its address
        rows = [row(40, context(model, tokens))]
        close(replaying(rows), plain(rows))
        del rows


def test_what_is_recorded_is_bounded_by_launches() -> None:
    assert len(SHAPES) == len(set(SHAPES))
    assert {shape.rows * shape.frames <= LAUNCH_BOUND for shape in SHAPES} == {True}
    assert all(shape.frames % 64 == 0 == shape.tokens % 64 for shape in SHAPES)


def test_graphs_without_a_gpu_are_refused() -> None:
    with pytest.raises(EngineUnavailable, match="CUDA graphs need a CUDA device"):
        BatchedForward(random_transformer(), graphs=True, backend="eager").warm()


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@torch.no_grad()
def test_captured_passes_on_a_gpu_make_what_plain_ones_make() -> None:
    model = random_transformer("cuda")
    plain, replaying = BatchedForward(model), BatchedForward(model)
    shapes = [Shape(1, 64, 64), Shape(2, 64, 64)]
    replaying._graphs = PassGraphs(model, cuda_recorder(model.device), shapes)
    for batch in (guided(model, 50, 20), [row(64, context(model, 64))], guided(model, 33, 21), guided(model, 50, 20)):
        close(replaying(batch), plain(batch))


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@torch.no_grad()
def test_compiled_passes_on_a_gpu_make_what_plain_ones_make() -> None:
    plain, model = BatchedForward(random_transformer("cuda")), random_transformer("cuda")
    compiled = BatchedForward(model, compiled=True)
    compiled.warm()
    for batch in (guided(model, 50, 20), [row(64, context(model, 64))], guided(model, 133, 21)):
        close(compiled(batch), plain(batch))
