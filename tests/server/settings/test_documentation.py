from server.settings.documentation import engine_table, settings_table
from server.settings.settings import Settings
from server.settings.variables import variables_of
from tests.support.tunable import REGISTRY


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


def test_the_table_of_settings_has_every_variable_of_the_server() -> None:
    rows = settings_table().splitlines()
    assert "| `MELISMA_PORT` | `50051` | port for gRPC; 0 takes a free port and logs it |" in rows
    assert len(rows) == len(variables_of(Settings)) + 2
