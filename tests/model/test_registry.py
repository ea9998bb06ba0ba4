import subprocess
import sys

import pytest

from model.engine import EngineUnavailable
from model.registry import ENGINES, engine_class, load_engine, settings_class
from tests.support.fakes import FakeEngine


@pytest.mark.parametrize("name", ENGINES)
def test_every_entry_leads_to_a_class_that_can_be_loaded(name: str) -> None:
    assert callable(engine_class(name).load)


@pytest.mark.parametrize("name", ENGINES)
def test_settings_never_change_and_each_has_a_default_and_a_description(name: str) -> None:
    settings = settings_class(ENGINES[name])
    if settings is None:
        return
    assert settings.model_config.get("frozen")
    assert settings.model_config.get("extra") == "forbid"
    assert all(field.description and not field.is_required() for field in settings.model_fields.values())
    assert "device" not in settings.model_fields  # `load` has a parameter of that name


def test_an_engine_may_have_no_settings() -> None:
    assert settings_class(ENGINES["studio"]) is None


def test_an_unknown_name_is_answered_with_the_known_ones() -> None:
    with pytest.raises(EngineUnavailable, match="studio"):
        engine_class("nonsense")


def test_a_factory_goes_before_the_entry_of_the_same_name() -> None:
    assert isinstance(load_engine("studio", "cpu", "tests.support.fakes:FakeEngine"), FakeEngine)


@pytest.mark.parametrize("factory", ["tests.support.fakes", ":FakeEngine", "tests.support.fakes:"])
def test_a_factory_of_the_wrong_form_is_refused(factory: str) -> None:
    with pytest.raises(ValueError, match="module:Class"):
        engine_class("fake", factory)


def test_what_an_engine_lacks_is_told() -> None:
    with pytest.raises(EngineUnavailable, match="make weights"):
        load_engine("missing", "cpu", "tests.support.fakes:MissingEngine")


def test_a_package_that_is_not_installed_is_named_with_how_to_get_it() -> None:
    program = """
import sys
sys.modules["huggingface_hub"] = None
from model.registry import engine_class
engine_class("ace_step")
"""
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert "EngineUnavailable: engine 'ace_step' needs the package 'huggingface_hub'" in ended.stderr
    assert "pip install 'melisma[ace_step]'" in ended.stderr
