"""Tests of MusicGen on a GPU: a song does not depend on the other songs in its passes, on its seat (place in the shared
buffers), or on the kernels that are used for many rows.
"""

from pathlib import Path

import numpy as np
import pytest
import torch

from model.musicgen.engine import MusicGenEngine
from model.musicgen.options import MusicGenOptions
from model.song import SongParams
from tests.support.musicgen_checkpoint import FEW_FRAMES, FEW_MELODY, MONO, Kind, write_checkpoint
from tests.support.musicgen_songs import ASKED, song

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU"),
]


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
@pytest.mark.parametrize("kind", [FEW_FRAMES, FEW_MELODY], ids=["text", "melody"])
def test_songs_of_a_gpu_are_the_same_in_company(tmp_path: Path, dtype: str, kind: Kind) -> None:
    checkpoint = str(write_checkpoint(tmp_path / "checkpoint", kind))
    engine = MusicGenEngine.load("cuda:0", checkpoint=checkpoint, section_seconds=6.0, songs=2, dtype=dtype)
    assert engine._core.shared
    plans = [engine.plan(asked) for asked in ASKED]
    alone = [song(engine, plan) for plan in plans]
    states = [engine.begin(plan, 0, engine.prepare(plan, 0), None) for plan in plans]
    while going := [state for state in states if state.step < state.steps]:
        engine.denoise(going[1:] or going)  # more songs than seats, in changing combinations
    for state, whole in zip(states, alone, strict=True):
        sound = b"".join(window.tobytes() for window in engine.render(state))
        assert whole.startswith(sound)


def test_the_tokens_of_a_gpu_are_those_of_a_cpu(tmp_path: Path) -> None:
    checkpoint = str(write_checkpoint(tmp_path / "checkpoint", MONO))
    sounds = []
    for device in ("cpu", "cuda:0"):
        engine = MusicGenEngine.load(device, checkpoint=checkpoint, section_seconds=3.0, dtype="float32")
        plan = engine.plan(SongParams("a slow waltz", "", 1, 8.0, options=MusicGenOptions(top_k=1)))
        sounds.append(np.frombuffer(song(engine, plan), np.float32))
    np.testing.assert_allclose(sounds[1], sounds[0], rtol=0, atol=1e-3)


def test_a_section_saved_on_a_gpu_goes_on_with_the_same_bytes(tmp_path: Path) -> None:
    checkpoint = str(write_checkpoint(tmp_path / "checkpoint", MONO))
    engine = MusicGenEngine.load("cuda:0", checkpoint=checkpoint, section_seconds=3.0)
    plan = engine.plan(SongParams("a slow waltz", "", 1, 12.0))
    whole = song(engine, plan)
    first = engine.begin(plan, 0, engine.prepare(plan, 0), None)
    while first.step < first.steps:
        engine.denoise([first])
    heard = b"".join(window.tobytes() for window in engine.render(first))
    context = engine.restore(plan, 0, engine.save(first))
    assert heard + song(engine, plan, context, 1) == whole
