"""Engines with other sound than the fake engine, which stand for other processors or versions."""

from collections.abc import Iterator

import numpy as np
from typing_extensions import override

from model.engine import SectionState
from model.song import Window
from tests.support.fakes import FakeEngine

_SIZE = 256


class MatrixEngine(FakeEngine):
    """A fake engine whose sound passes through a matrix product, as in a neural network."""

    @override
    def render(self, state: SectionState) -> Iterator[Window]:
        weights = np.random.default_rng(1).standard_normal((_SIZE, _SIZE)).astype(np.float32)
        for window in super().render(state):
            whole = window.shape[1] // _SIZE * _SIZE
            yield np.tanh((window[:, :whole].reshape(-1, _SIZE) @ weights).reshape(2, -1))


class LouderEngine(FakeEngine):
    """A fake engine with sound scaled by 0.9, which stands for another version."""

    @override
    def render(self, state: SectionState) -> Iterator[Window]:
        for window in super().render(state):
            yield 0.9 * window
