"""Tests of the sound fingerprint: equal for equal sound, different if another processor's kernels make other sound."""

import os
import subprocess
import sys
from itertools import combinations
from pathlib import Path

import pytest

from model.engine import Engine
from server.store.claim import Skill
from server.store.eviction import StoreLimits
from server.workers.execution.engine_loading import fingerprints
from server.workers.execution.sound_fingerprint import sound_fingerprint
from tests.support.fakes import FakeEngine
from tests.support.matrix_engine import LouderEngine, MatrixEngine
from tests.support.store_kinds import LEASE_SECONDS, embedded
from tests.support.stored_songs import making, record

KERNELS = ("Haswell", "SkylakeX", "Sandybridge", "Nehalem", "Prescott", "Zen")
PROGRAM = """
from server.workers.execution.sound_fingerprint import sound_fingerprint
from tests.support.matrix_engine import MatrixEngine
print(sound_fingerprint(MatrixEngine(), "fake", "cpu"))
"""


def test_it_is_that_of_engine_sound_and_kind_of_device() -> None:
    known = sound_fingerprint(FakeEngine(), "fake", "cpu")
    assert sound_fingerprint(FakeEngine(), "fake", "cpu") == known
    others = {
        sound_fingerprint(FakeEngine(), "another", "cpu"),
        sound_fingerprint(LouderEngine(), "fake", "cpu"),
        sound_fingerprint(MatrixEngine(), "fake", "cpu"),
        sound_fingerprint(FakeEngine(), "fake", "cuda:0"),
        known,
    }
    assert len(others) == 5
    assert sound_fingerprint(FakeEngine(), "fake", "cuda:1") == sound_fingerprint(FakeEngine(), "fake", "cuda:0")


def test_an_engine_that_cannot_make_the_sound_has_none(caplog: pytest.LogCaptureFixture) -> None:
    class Mute(FakeEngine):
        def render(self, state: object) -> object:  # type: ignore[override]
            raise ValueError("no voice")

    engines: dict[str, Engine] = {"mute": Mute(), "fake": FakeEngine()}  # type: ignore[dict-item]
    assert list(fingerprints(engines, "cpu")) == ["fake"]
    assert "sound of engine mute" in caplog.text


async def test_kernels_that_make_other_sound_keep_a_song_from_being_spliced(tmp_path: Path) -> None:
    one, other = unlike_kernels()
    async with embedded(tmp_path, StoreLimits(), 0) as service:
        await (await making(service.here, record(), sound=one)).sound(b"first")
        await service.pass_time(2 * LEASE_SECONDS)
        assert await service.there.directory.claim_lost({"fake": Skill(sound=other)}, 1000.0) is None
        claim = await service.there.directory.claim_lost({"fake": Skill(sound=one)}, 1000.0)
        assert claim is not None


def unlike_kernels() -> tuple[str, str]:
    """Return two different fingerprints of one engine's sound, made with two kernels of OpenBLAS; fails if all kernels
    make the same sound on this computer.
    """
    found: dict[str, str] = {}
    for kernel in KERNELS:
        environment = {**os.environ, "OPENBLAS_CORETYPE": kernel, "PYTHONPATH": os.pathsep.join(sys.path)}
        made = subprocess.run([sys.executable, "-c", PROGRAM], env=environment, capture_output=True, text=True)
        if made.returncode == 0:
            found[kernel] = made.stdout.strip()
        for one, another in combinations(found.values(), 2):
            if one != another:
                return one, another
    pytest.fail(f"no two kernels of OpenBLAS make other sound here: {found}")
