import pytest

from server.settings.command_line import InvalidSettings, read_settings, unknown_variables
from server.settings.groups import Device

CUDA = Device(device="cuda:0")


def test_flags_override_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MELISMA_PORT", "1")
    settings = read_settings(["--port", "2", "--host", "::1", "--devices", "cuda:0", "--log-level", "debug"])
    assert (settings.port, settings.host, settings.devices, settings.log_level) == (
        2,
        "::1",
        (CUDA,),
        "debug",
    )


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("MELISMA_PORT", "65536"),
        ("MELISMA_HTTP_PORT", "-1"),
        ("MELISMA_DEVICES", ""),
        ("MELISMA_DEVICES", "gpu 7"),
        ("MELISMA_DEVICES", "[{"),
        ("MELISMA_DEVICES", '[{"device": "cpu", "running_songs": 0}]'),
        ("MELISMA_DEVICES", '[{"device": "cpu", "engines": ["nonsense"]}]'),
        ("MELISMA_SCHEDULING__ORDER", "random"),
        ("MELISMA_SCHEDULING__WEIGHTS", '{"a": 0}'),
        ("MELISMA_ENGINES", "Studio!"),
        ("MELISMA_ENGINES", "studio=nonsense"),
        ("MELISMA_ENGINES", "studio,studio=my.module:MyEngine"),
        ("MELISMA_GRACE_SECONDS", "-1"),
        ("MELISMA_GRACE_SECONDS", "nan"),
        ("MELISMA_LIMITS__RUNNING_SONGS", "0"),
        ("MELISMA_LIMITS__RUNING_SONGS", "4"),
    ],
)
def test_a_value_that_cannot_be_used_is_named(variable: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(InvalidSettings, match=variable):
        read_settings([])


def test_the_help_text_lists_every_variable_with_its_default(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        read_settings(["--help"])
    text = capsys.readouterr().out
    assert end.value.code == 0
    assert "MELISMA_LIMITS__QUEUED_SONGS" in text
    assert "seconds for running songs to finish after SIGTERM (default: 60.0)" in text


def test_a_slip_of_the_pen_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MELISMA_API_KYES", "keys.json")
    monkeypatch.setenv("MELISMA_API_KEY", "of the command line")
    monkeypatch.setenv("MELISMA_LOG_LEVEL", "info")
    assert unknown_variables() == ("MELISMA_API_KYES",)
