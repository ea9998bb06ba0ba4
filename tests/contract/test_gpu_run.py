"""Tests that `make test-gpu` fails without a GPU."""

import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.gpu_run import GpuRun
from tests.support.table import table

ROOT = Path(__file__).resolve().parents[2]


def test_a_run_of_which_all_tests_are_skipped_has_failed(tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text(
        "import pytest\n\n@pytest.mark.gpu\ndef test_it():\n    pytest.skip('no GPU')\n"
    )
    options = ["-c", str(ROOT / "pyproject.toml"), "--rootdir", str(tmp_path), "-p", "tests.gpu_run"]
    command = [sys.executable, "-m", "pytest", "-m", "gpu", *options, str(tmp_path)]
    run = subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True)
    assert run.returncode == pytest.ExitCode.TESTS_FAILED, run.stdout
    assert "no GPU: none of the tests that need one has run" in run.stdout


@table(
    ("reports", "before", "after"),
    [
        ([], pytest.ExitCode.NO_TESTS_COLLECTED, pytest.ExitCode.TESTS_FAILED),
        ([("call", True)], pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED),
        ([("setup", False), ("teardown", False)], pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED),
        ([("call", False), ("call", True)], pytest.ExitCode.OK, pytest.ExitCode.OK),
        ([], pytest.ExitCode.INTERRUPTED, pytest.ExitCode.INTERRUPTED),
    ],
)
def test_a_run_has_failed_in_which_no_test_ran(reports: list[tuple[str, bool]], before: int, after: int) -> None:
    run, session = GpuRun(), SimpleNamespace(exitstatus=before)
    for when, skipped in reports:
        report: Any = SimpleNamespace(when=when, skipped=skipped)
        run.pytest_runtest_logreport(report)
    finished: Any = session
    run.pytest_sessionfinish(finished, before)
    assert session.exitstatus == after
