import pytest
import torch

from model.ace_step.networks.config import LyricEncoderConfig, TransformerConfig
from model.ace_step.networks.layers import Block
from model.ace_step.networks.transformer import Transformer
from model.ace_step.sampling.warming import compile_now
from model.engine import EngineUnavailable
from model.shared.networks.compiling import COMPILE_THREADS

TINY = TransformerConfig(
    heads=2, head_width=8, layers=1, patch_width=64, text_width=12, speaker_width=6, lyric_vocabulary=40,
    lyric=LyricEncoderConfig(width=16, heads=2, hidden=32, layers=6),
)  # fmt: skip


@pytest.fixture
def model() -> Transformer:
    return Transformer(TINY).eval().requires_grad_(False)


def fail_with(error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the forward passes of transformer blocks raise `error` as the cause of another error, as torch's compiler
    does.
    """

    def forward(*_given: object) -> torch.Tensor:
        raise RuntimeError("backend='inductor' raised") from error

    monkeypatch.setattr(Block, "forward", forward)


@pytest.mark.parametrize(
    ("error", "help_"),
    [
        (RuntimeError("Failed to find C compiler. Please specify via CC environment variable."), "install gcc"),
        (ImportError("/tmp/a.so: failed to map segment from shared object"), "not mounted noexec"),
        (KeyError("getpwuid(): uid not found: 1000640000"), "no entry in /etc/passwd"),
        (OSError(30, "Read-only file system", "/var/cache"), "folders that can be written to"),
        (ValueError("something else"), "backend='inductor' raised"),
    ],
)
def test_what_the_compiler_lacks_is_said(
    model: Transformer, error: Exception, help_: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    fail_with(error, monkeypatch)
    with pytest.raises(EngineUnavailable) as caught:
        compile_now(model)
    assert help_ in str(caught.value)
    assert str(caught.value).endswith("or leave 'compile' and 'cuda_graphs' empty")


@pytest.mark.parametrize("error", [torch.OutOfMemoryError("CUDA out of memory"), torch.AcceleratorError("CUDA error")])
def test_faults_of_the_device_stay_what_they_are(
    model: Transformer, error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    def forward(*_given: object) -> torch.Tensor:
        raise error

    monkeypatch.setattr(Block, "forward", forward)
    with pytest.raises(type(error)):
        compile_now(model)


def test_few_processes_compile(model: Transformer, monkeypatch: pytest.MonkeyPatch) -> None:
    from torch._inductor import config

    with config.patch(compile_threads=32):
        compile_now(model)
        assert config.compile_threads == COMPILE_THREADS
    with config.patch(compile_threads=1):
        compile_now(model)
        assert config.compile_threads == 1
