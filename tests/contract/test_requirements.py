"""Tests that a test with a missing requirement is skipped on a developer's computer, and fails if the environment
variable CI or REQUIRE is set.
"""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.requirements import needed, not_tried

ROOT = Path(__file__).resolve().parents[2]


def test_what_cannot_be_tried_fails_where_tests_have_to_run(monkeypatch: pytest.MonkeyPatch) -> None:
    cases = {
        (): pytest.skip.Exception,
        (("CI", ""),): pytest.skip.Exception,
        (("CI", "0"), ("REQUIRE", "0")): pytest.skip.Exception,
        (("CI", "true"),): pytest.fail.Exception,
        (("REQUIRE", "1"),): pytest.fail.Exception,
    }
    wrong = []
    for variables, expected in cases.items():
        for name in ("CI", "REQUIRE"):
            monkeypatch.delenv(name, raising=False)
        for name, value in variables:
            monkeypatch.setenv(name, value)
        for try_it, told in ((not_tried, ("no compass: buy one",)), (needed, ("compass", "buy one"))):
            with pytest.raises(expected) as ended:
                try_it(*told)
            if "buy one" not in str(ended.value):
                wrong.append((variables, str(ended.value)))
    assert wrong == []


def test_what_is_left_out_all_the_same_is_listed_where_tests_have_to_run(tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text("import pytest\n\ndef test_it():\n    pytest.skip('no compass')\n")
    options = ["-c", str(ROOT / "pyproject.toml"), "--rootdir", str(tmp_path), "-p", "tests.conftest"]
    for variable, listed in (("0", False), ("1", True)):
        command = ["env", "CI=", f"REQUIRE={variable}", sys.executable, "-m", "pytest", *options, str(tmp_path)]
        run = subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True)
        assert run.returncode == 0, run.stdout
        assert ("no compass" in run.stdout) == listed, run.stdout
