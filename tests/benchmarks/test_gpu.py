"""Tests of the benchmark script for GPUs, run on a CPU: a measurement that fails does not stop the others."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
import psutil
import pytest
import torch

from benchmarks.gpu.ace_step import building, correctness, floors, random_engine, songs, steps
from benchmarks.gpu.ace_step_15 import measures
from benchmarks.gpu.ace_step_15 import random_engine as random_engine_15
from benchmarks.gpu.expectations import EXPECTATIONS
from benchmarks.gpu.figures import Figure, Setup
from benchmarks.gpu.parts import PARTS, Part, Stage
from benchmarks.gpu.runner import NO_GPU, PATIENCE, Record, run
from benchmarks.gpu.table import BANDWIDTH, Between, Exactly, Expectation, rows
from model.ace_step.loading.checkpoint import AUTOENCODER, CONFIG, TEXT_ENCODER
from model.ace_step.networks.config import TransformerConfig, autoencoder_config, text_encoder_config
from model.ace_step.networks.vocoder import Vocoder
from model.ace_step_15.loading.folders import Folders
from model.ace_step_15.loading.layouts import made, parts_of
from model.shared.checkpoints.configs import read_json
from model.shared.checkpoints.filling import skeleton
from tests.support.ace_step import TRANSFORMER, VOCODER, write_checkpoint
from tests.support.ace_step_15_checkpoint import write_checkpoint as write_15_checkpoint
from tests.support.gpu_stages import PID_FILE

ROOT = Path(__file__).resolve().parents[2]
SMALL = Setup(small=True, device="cpu")


def recorded(
    tmp_path: Path, function: str, seconds: float = 30.0, *, setup: Setup = SMALL, total: float = 60.0
) -> Record:
    parts = [Part("one", (Stage(f"tests.support.gpu_stages:{function}", seconds),))]
    return next(iter(run(parts, setup, NO_GPU, tmp_path / "log.txt", total)))


def runs(pid: int) -> bool:
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def test_the_script_measures_from_the_tree_alone_and_writes_as_it_goes(tmp_path: Path) -> None:
    environment = {"PATH": os.environ["PATH"], "PYTHON": sys.executable, "OUT": str(tmp_path / "out")}
    script = [str(ROOT / "benchmarks/gpu.sh"), "--small", "ceilings"]
    done = subprocess.run(script, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    (line,) = (tmp_path / "out/results.jsonl").read_text("utf-8").splitlines()
    told = json.loads(line)
    assert (told["part"], told["machine"], told["small"], told["status"]) == ("ceilings", "cpu", True, "done")
    assert told["figures"]["product.square.tflop_per_s"] > 0
    assert told["figures"]["attention"] is None
    assert "CUDA" in told["notes"]["attention"]
    assert json.loads((tmp_path / "out/results.json").read_text("utf-8"))["parts"] == [told]
    assert "not compared" in done.stdout


def test_a_part_that_nobody_wrote_is_refused(tmp_path: Path) -> None:
    environment = {"PATH": os.environ["PATH"], "PYTHON": sys.executable, "OUT": str(tmp_path)}
    done = subprocess.run([str(ROOT / "benchmarks/gpu.sh"), "stairs"], env=environment, capture_output=True, text=True)
    assert done.returncode == 2
    assert "there is no part stairs" in done.stderr


def test_too_many_wheels_are_refused(tmp_path: Path) -> None:
    with (tmp_path / "big.whl").open("wb") as file:
        file.truncate(41_000_000)
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHON": sys.executable,
        "OUT": str(tmp_path / "out"),
        "WHEELS": str(tmp_path),
    }
    done = subprocess.run([str(ROOT / "benchmarks/gpu.sh")], env=environment, capture_output=True, text=True)
    assert done.returncode == 2
    assert "more than 40000" in done.stderr


def test_a_part_tells_figures_and_why_others_mean_nothing(tmp_path: Path) -> None:
    record = recorded(tmp_path, "tells")
    assert record.status == "done"
    assert record.figures == {"device": "cpu", "graphs": None}
    assert record.why == "only a GPU has graphs to capture"


def test_an_error_among_figures_leaves_the_others(tmp_path: Path) -> None:
    record = recorded(tmp_path, "tells_and_errs")
    assert record.status == "partly"
    assert record.figures == {"before": 1, "after": "small"}
    assert record.errors == {"shape": "ValueError: no such shape"}


@pytest.mark.parametrize(
    ("function", "status", "why"),
    [
        ("lacks_a_package", "missing", "the package 'package_that_nobody_has' is not installed"),
        ("lacks_a_module_of_ours", "failed", "No module named 'model.module_that_nobody_wrote'"),
        ("dies", "failed", "the process of the part ended with status -9"),
        ("not_there", "failed", "has no attribute 'not_there'"),
    ],
)
def test_how_a_part_ended_is_said_and_its_figures_are_kept(
    tmp_path: Path, function: str, status: str, why: str
) -> None:
    record = recorded(tmp_path, function)
    assert record.status == status
    assert why in record.why
    assert record.figures == ({} if function == "not_there" else {"before": 1})


def test_a_part_whose_time_is_up_is_ended_with_all_that_it_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class HangingProcess(subprocess.Popen[bytes]):
        """A process whose time limit counts from the moment at which it has started its child and hangs, so that a slow
        start does not use the limit up.
        """

        def wait(self, timeout: float | None = None) -> int:
            if timeout is not None:
                give_up_at = time.monotonic() + 60.0
                while not (tmp_path / "pid").exists() and time.monotonic() < give_up_at:
                    time.sleep(0.01)
            return super().wait(timeout)

    monkeypatch.setenv(PID_FILE, str(tmp_path / "pid"))
    monkeypatch.setattr(subprocess, "Popen", HangingProcess)
    record = recorded(tmp_path, "hangs_with_a_child", seconds=0.5 / PATIENCE)
    assert record.status == "out of time"
    assert record.figures == {"before": 1}
    child = int((tmp_path / "pid").read_text("utf-8"))
    give_up_at = time.monotonic() + 10.0
    while runs(child) and time.monotonic() < give_up_at:  # the kernel ends a killed process soon, not at once
        time.sleep(0.01)
    assert not runs(child)


def test_without_time_or_a_gpu_a_part_is_not_begun(tmp_path: Path) -> None:
    full = Setup(small=False, device="cuda:0")
    assert recorded(tmp_path, "tells", setup=full).status == "not here"
    assert recorded(tmp_path, "tells", total=1.0).status == "out of time"


def test_every_expectation_is_of_a_part(tmp_path: Path) -> None:
    assert {expected.figure.partition(".")[0] for expected in EXPECTATIONS} <= {part.name for part in PARTS}
    assert len({expected.figure for expected in EXPECTATIONS}) == len(EXPECTATIONS)


def test_the_table_says_what_was_seen_of_what_was_expected() -> None:
    record = Record("steps", "card", small=False, figures={"a": 5.0, "b": True, "c": None}, notes={"c": "no card"})
    copies = Record("ceilings", "card", small=False, figures={BANDWIDTH.partition(".")[2]: 6.0})
    expectations: list[Expectation] = [
        Between("steps.a", 10.0, 12.0, "ms", ""),
        Between("steps.a", 10.0, 12.0, "ms", "", at=3.0),
        Exactly("steps.b", False, ""),
        Exactly("steps.c.deep", True, ""),
        Exactly("elsewhere.d", True, ""),
    ]
    table = rows(expectations, [record, copies])
    assert [row.verdict for row in table] == ["lower", "as expected", "differs", "not measured: no card"]
    assert [row.expected for row in table] == ["10 to 12 ms", "5 to 6 ms", "false", "true"]


def test_tiny_networks_are_held_to_nothing_that_is_of_a_gpu() -> None:
    record = Record("steps", "cpu", small=True, figures={"a": 5.0, "b": True})
    table = rows([Between("steps.a", 10, 12, "ms", ""), Exactly("steps.b", True, "", everywhere=True)], [record])
    assert [row.verdict for row in table] == ["not compared: tiny networks", "as expected"]


def test_operations_by_hand_are_those_that_torch_counts() -> None:
    counted = {(645, 1): 2.77, (645, 400): 2.83, (645, 800): 2.89, (2583, 400): 11.34}
    for (frames, tokens), wanted in counted.items():
        assert floors.tflop(TransformerConfig(), frames, tokens) == pytest.approx(wanted, abs=0.006)


def test_networks_with_random_weights_make_the_engine_that_the_checkpoint_would(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = write_checkpoint(tmp_path / "tiny")
    autoencoder, text = (read_json(folder / name / CONFIG) for name in (AUTOENCODER, TEXT_ENCODER))
    sizes = random_engine.Sizes(TRANSFORMER, VOCODER, autoencoder_config(autoencoder), text_encoder_config(text))
    monkeypatch.setattr(random_engine, "FULL", sizes)
    engine = random_engine.load("cpu", small=False)
    state = songs.begun(engine, songs.asked(10.0, 25))
    songs.finish(engine, state)
    assert songs.transformer(engine).config == TRANSFORMER
    assert songs.latents(state).isfinite().all()
    assert np.isfinite(songs.sound(engine, state)).all()


def test_random_weights_are_the_same_in_every_process() -> None:
    networks = []
    for _ in range(2):
        with torch.device("meta"):
            networks.append(Vocoder(VOCODER))
        generator = torch.Generator().manual_seed(1)
        random_engine.materialised(networks[-1], torch.device("cpu"), torch.float32, generator)
    first, second = (network.state_dict() for network in networks)
    assert all(torch.equal(tensor, second[name]) for name, tensor in first.items())


@pytest.fixture(scope="module")
def told() -> dict[str, Figure]:
    def figures() -> Iterator[Figure]:
        yield from building.measure(SMALL)
        yield from steps.measure(SMALL)

    return {figure.name: figure for figure in figures()}


def test_the_engine_is_built_and_its_steps_are_measured(told: dict[str, Figure]) -> None:
    assert [figure for figure in told.values() if figure.failed] == []
    assert told["first.finite"].value is True
    assert (told["minute.x1.rows"].value, told["minute_unguided.x1.rows"].value) == (2, 1)
    assert told["minute.x1.memory"].note == "torch does not measure the memory of a CPU"


def test_ace_step_15_is_measured_and_has_the_released_sizes(tmp_path: Path) -> None:
    told = {figure.name: figure for stage in (measures.plain, measures.fast) for figure in stage(SMALL)}
    assert [figure for figure in told.values() if figure.failed] == []
    assert told["minute.x1.finite"].value is told["mixed.finite"].value is True
    checkpoint = write_15_checkpoint(tmp_path / "checkpoint")
    random_engine_15.enlarge(checkpoint)
    parts = parts_of(Folders(checkpoint, checkpoint))
    networks = {name: skeleton(partial(made, part)) for name, part in parts.items()}
    sizes = {name: sum(weight.numel() for weight in network.parameters()) for name, network in networks.items()}
    assert (sizes["transformer"], round(sizes["condition_encoder"] / 1e6)) == (1_575_458_880, 608)
    assert round(sizes["vae"] / 1e6) == 169


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU: torch finds no CUDA device")
def test_a_gpu_computes_what_a_cpu_does() -> None:
    record = Record("correct", "card", small=True)
    for figure in correctness.measure(Setup(small=True, device="cuda:0")):
        assert not figure.failed, figure
        record.figures[figure.name] = figure.value
    table = rows(EXPECTATIONS, [record])
    assert [row for row in table if row.verdict != "as expected"] == []
