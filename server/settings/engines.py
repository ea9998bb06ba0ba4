"""Settings of the engines: one group for each engine of the registry that has settings of its own."""

from typing import Any

from pydantic import BaseModel, create_model

from model.registry import ENGINES, Engines, settings_class
from server.settings.settings import Settings
from server.settings.variables import variable_name


def settings_with(engines: Engines = ENGINES) -> type[Settings]:
    """Return the class `Settings`, extended by one group of settings for each of the `engines` that has settings of its
    own.

    Raises:
        ValueError: an engine has the name of a setting of the server.
    """
    groups: dict[str, Any] = {}
    for name, entry in engines.items():
        if name in Settings.model_fields:
            raise ValueError(f"{name!r} is the name of a setting of the server: give the engine another name")
        if group := settings_class(entry):
            groups[name] = (group, group())
    return create_model("Settings", __base__=Settings, **groups)


def engine_options(settings: Settings, engine: str) -> dict[str, object]:
    """Return the settings of `engine` as keyword arguments for loading it; empty for an engine without settings."""
    group = _group(settings, engine)
    return group.model_dump() if group else {}


def option_variables(settings: Settings, engine: str) -> dict[str, str]:
    """Return the environment variable that sets each option of `engine`, by the name of the option, including the
    device.
    """
    group = _group(settings, engine)
    own = type(group).model_fields if group else ()
    return {"device": variable_name("devices"), **{name: variable_name(engine, name) for name in own}}


def _group(settings: Settings, engine: str) -> BaseModel | None:
    groups = type(settings).model_fields.keys() - Settings.model_fields.keys()
    found: BaseModel | None = getattr(settings, engine) if engine in groups else None
    return found
