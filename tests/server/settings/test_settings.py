import dataclasses

import pytest
from pydantic import ValidationError

from model.ace_step.settings import Options
from server.logs import LogFormat
from server.settings.command_line import read_settings
from server.settings.engines import AceStep
from server.settings.groups import Device
from server.wiring import engine_specs

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


def test_an_engine_may_bring_its_own_class(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MELISMA_ENGINES", "studio,mine=my.module:MyEngine")
    assert read_settings([]).engine_names == ("studio", "mine")


def test_settings_do_not_change() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        read_settings([]).port = 1


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
