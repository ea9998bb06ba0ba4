import dataclasses

import pytest
from pydantic import ValidationError

from model.ace_step.settings import Options
from server.app import engine_specs
from server.logs import LogFormat
from server.settings.settings import AceStep, Device, InvalidSettings, read_settings, unknown_variables

CPU, CUDA = Device(device="cpu"), Device(device="cuda:0")


def test_the_defaults_serve_the_studio_on_this_machine_alone() -> None:
    settings = read_settings([])
    assert settings.http_port == 8080
    assert (settings.host, settings.port, settings.devices) == ("127.0.0.1", 50051, (CPU,))
    assert settings.engine_names == ("studio",)


def test_the_environment_overrides_the_defaults(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MELISMA_DEVICES", "cuda:0, cuda:1")
    monkeypatch.setenv("MELISMA_LOG_FORMAT", "json")
    settings = read_settings([])
    assert (settings.devices, settings.log_format) == ((CUDA, Device(device="cuda:1")), LogFormat.JSON)


def test_a_nested_setting_has_a_variable_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MELISMA_LIMITS__QUEUED_SONGS", "32")
    limits = read_settings([]).limits
    assert (limits.queued_songs, limits.running_songs) == (32, 32)


def test_a_device_may_have_limits_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MELISMA_DEVICES", '["cpu", {"device": "cuda:0", "engines": ["studio"], "running_songs": 4}]')
    assert read_settings([]).devices == (CPU, Device(device="cuda:0", engines=("studio",), running_songs=4))


def test_callers_have_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MELISMA_SCHEDULING__WEIGHTS", '{"games": 2.5}')
    assert read_settings([]).scheduling.weights == {"games": 2.5}


def test_flags_override_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MELISMA_PORT", "1")
    settings = read_settings(["--port", "2", "--host", "::1", "--devices", "cuda:0", "--log-level", "debug"])
    assert (settings.port, settings.host, settings.devices, settings.log_level) == (2, "::1", (CUDA,), "debug")


def test_an_engine_may_bring_its_own_class(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MELISMA_ENGINES", "studio,mine=my.module:MyEngine")
    assert read_settings([]).engine_names == ("studio", "mine")


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


def test_settings_do_not_change() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        read_settings([]).port = 1


def test_the_help_text_lists_every_variable_with_its_default(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        read_settings(["--help"])
    text = capsys.readouterr().out
    assert end.value.code == 0
    assert "MELISMA_LIMITS__QUEUED_SONGS" in text
    assert "time that running songs get to finish after SIGTERM (default: 60.0)" in text


def test_ace_step_is_set_by_variables_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MELISMA_ENGINES", "ace_step,studio")
    monkeypatch.setenv("MELISMA_ACE_STEP__CHECKPOINT", "folder")
    monkeypatch.setenv("MELISMA_ACE_STEP__LORAS", '{"rap": "loras/rap"}')
    first, second = engine_specs(read_settings([]))
    assert first.options["checkpoint"] == "folder"
    assert first.options["loras"] == {"rap": "loras/rap"}
    assert second.options == {}


def test_the_engine_knows_every_option_of_its_settings_by_the_same_default() -> None:
    assert AceStep().model_dump() == dataclasses.asdict(Options())


def test_a_slip_of_the_pen_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MELISMA_API_KYES", "keys.json")
    monkeypatch.setenv("MELISMA_API_KEY", "of the command line")
    monkeypatch.setenv("MELISMA_LOG_LEVEL", "info")
    assert unknown_variables() == ("MELISMA_API_KYES",)
