from dataclasses import replace
from types import MappingProxyType

import pytest

from model.registry import ENGINES, EngineEntry, settings_class
from server.assembly.processes import engine_specs
from server.settings.command_line import InvalidSettings, read_settings
from server.settings.engines import engine_options, option_variables, settings_with
from server.settings.settings import Settings
from server.workers.worker_process import WorkerProcess
from server.workers.worker_spec import WorkerSpec
from tests.support.tunable import REGISTRY, TUNABLE, TunableSettings

TIMEOUT_SECONDS = 30.0


def test_ace_step_is_set_by_variables_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MELISMA_ENGINES", "ace_step,studio")
    monkeypatch.setenv("MELISMA_ACE_STEP__CHECKPOINT", "folder")
    monkeypatch.setenv("MELISMA_ACE_STEP__LORAS", '{"rap": "loras/rap"}')
    first, second = engine_specs(read_settings([]))
    assert first.options["checkpoint"] == "folder"
    assert first.options["loras"] == {"rap": "loras/rap"}
    assert second.options == {}


def test_an_engine_that_is_registered_is_set_by_variables_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MELISMA_TUNABLE__STEPS", "7")
    monkeypatch.setenv("MELISMA_TUNABLE__VOICES", '{"low": "low.wav"}')
    settings = read_settings([], REGISTRY)
    assert engine_options(settings, "tunable") == {"steps": 7, "voices": {"low": "low.wav"}, "quality": "draft"}
    assert engine_options(settings, "studio") == {}


@pytest.mark.parametrize(
    ("variable", "value", "fault"),
    [
        ("MELISMA_TUNABLE__STEPS", "0", "Input should be greater than or equal to 1"),
        ("MELISMA_TUNABLE__QUALITY", "best", "Input should be 'draft' or 'final'"),
        ("MELISMA_TUNABLE__STEP", "1", "Extra inputs are not permitted"),
    ],
)
def test_a_value_that_the_engine_cannot_use_is_named(
    variable: str, value: str, fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(InvalidSettings, match=f"^{variable}: {fault}$"):
        read_settings([], REGISTRY)


def test_the_help_text_lists_the_variables_of_registered_engines(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        read_settings(["--help"], REGISTRY)
    text = capsys.readouterr().out
    assert "MELISMA_TUNABLE__STEPS\n      denoising steps where callers do not say (default: 4)" in text
    assert 'MELISMA_TUNABLE__VOICES\n      voices as JSON, {"name": "file"} (default: none)' in text
    assert "MELISMA_ACE_STEP__" not in text


async def test_the_worker_of_an_engine_gets_its_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MELISMA_ENGINES", "tunable")
    monkeypatch.setenv("MELISMA_TUNABLE__STEPS", "7")
    monkeypatch.setenv("MELISMA_TUNABLE__VOICES", '{"low": "low.wav"}')
    (spec,) = engine_specs(read_settings([], REGISTRY))
    # Another process does not know the registry of these tests.
    worker_spec = WorkerSpec("cpu", (replace(spec, factory=TUNABLE),))
    worker = WorkerProcess(worker_spec, exchange_timeout_seconds=TIMEOUT_SECONDS, on_exit=lambda: None)
    try:
        await worker.launch()
        (info,) = (await worker.loaded(TIMEOUT_SECONDS)).engines
    finally:
        await worker.stop(TIMEOUT_SECONDS)
    assert (info.name, info.default_steps, info.loras, info.description) == ("tunable", 7, ("low",), "draft")


def test_a_class_that_is_named_in_place_of_the_registered_one_gets_no_settings(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("MELISMA_ENGINES", "ace_step=my.module:MyEngine")
    (spec,) = engine_specs(read_settings([]))
    assert spec.options == {}


def test_settings_may_be_given_without_the_environment() -> None:
    group = {"tunable": TunableSettings(steps=9)}
    settings = settings_with(REGISTRY).model_validate(group)
    assert engine_options(settings, "tunable")["steps"] == 9


def test_settings_that_know_no_engine_leave_it_to_its_defaults() -> None:
    assert engine_options(Settings(), "ace_step") == {}
    assert engine_options(Settings(), "store") == {}


def test_every_option_has_its_variable() -> None:
    variables = option_variables(read_settings([], REGISTRY), "tunable")
    assert variables == {
        "device": "MELISMA_DEVICES",
        "steps": "MELISMA_TUNABLE__STEPS",
        "voices": "MELISMA_TUNABLE__VOICES",
        "quality": "MELISMA_TUNABLE__QUALITY",
    }


def test_an_engine_cannot_have_the_name_of_a_setting() -> None:
    with pytest.raises(ValueError, match="'store' is the name of a setting of the server"):
        settings_with(MappingProxyType({"store": EngineEntry(TUNABLE)}))


@pytest.mark.parametrize("name", ENGINES)
def test_the_engine_knows_every_option_of_its_settings_by_the_same_default(name: str) -> None:
    model = settings_class(ENGINES[name])
    options = engine_options(read_settings([]), name)
    assert options == (model().model_dump() if model else {})
    assert model is None or model.model_validate(options) == model()
