from pathlib import Path

import pytest

from model.registry import ENGINES
from server.settings.documentation import engine_table, main
from tests.support.tunable import REGISTRY

README = Path(__file__).resolve().parents[3] / "README.md"


def test_a_table_has_a_row_for_each_variable_of_the_engine() -> None:
    assert engine_table("tunable", REGISTRY["tunable"]).splitlines() == [
        "| variable | default | meaning |",
        "|---|---|---|",
        "| `MELISMA_TUNABLE__STEPS` | `4` | denoising steps where callers do not say |",
        '| `MELISMA_TUNABLE__VOICES` | `none` | voices as JSON, {"name": "file"} |',
        "| `MELISMA_TUNABLE__QUALITY` | `draft` | draft is quicker |",
    ]


def test_an_engine_without_settings_has_no_table() -> None:
    assert engine_table("studio", REGISTRY["studio"]) == ""


@pytest.mark.parametrize("name", ENGINES)
def test_the_readme_has_the_table_of_every_engine(name: str) -> None:
    """`python -m server.settings.documentation` prints what belongs there."""
    assert engine_table(name, ENGINES[name]) in README.read_text("utf-8")


def test_the_tables_can_be_printed(capsys: pytest.CaptureFixture[str]) -> None:
    main()
    assert capsys.readouterr().out == engine_table("ace_step", ENGINES["ace_step"]) + "\n"
