"""The registry of engines: finds engines and their settings by name, and imports them when they are first used."""

import importlib
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Protocol, cast

from model.engine import Engine, EngineUnavailable, Validator
from model.song import EngineOptions

if TYPE_CHECKING:
    from pydantic import BaseModel  # imported only if settings are read, because the import takes time


@dataclass(frozen=True, slots=True)
class EngineEntry:
    """Import paths of the classes of an engine, each "module:Class": the engine and, if it has them, its settings,
    options and validator.

    The settings, chosen by an operator, are a frozen pydantic model; every field has a default and a description. The
    options, chosen by a request, are a frozen dataclass (`EngineOptions`). The modules of validator
    (`model/<engine>/validation.py`), settings and options must not import torch, not even indirectly.
    """

    factory: str
    settings: str = ""
    options: str = ""
    validator: str = ""


Engines = Mapping[str, EngineEntry]

ENGINES: Engines = MappingProxyType(
    {
        "studio": EngineEntry("model.studio.engine:StudioEngine", validator="model.studio.validation:StudioValidator"),
        "ace_step": EngineEntry(
            "model.ace_step.engine:AceStepEngine",
            settings="model.ace_step.settings:AceStepSettings",
            options="model.ace_step.options:AceStepOptions",
            validator="model.ace_step.validation:AceStepValidator",
        ),
        "ace_step_15": EngineEntry(
            "model.ace_step_15.engine:AceStep15Engine",
            settings="model.ace_step_15.settings:AceStep15Settings",
            options="model.ace_step_15.options:AceStep15Options",
            validator="model.ace_step_15.validation:AceStep15Validator",
        ),
        "musicgen": EngineEntry(
            "model.musicgen.engine:MusicGenEngine",
            settings="model.musicgen.settings:MusicGenSettings",
            options="model.musicgen.options:MusicGenOptions",
            validator="model.musicgen.validation:MusicGenValidator",
        ),
    }
)
"""The engines of this package, by name."""


class EngineClass(Protocol):
    """Protocol of an engine's class: it has a method `load` that creates the engine."""

    def load(self, device: str, **options: object) -> Engine:
        """Load the engine onto `device` ("cpu", "cuda:0") and return it; `options` are fields of the engine's own
        settings.

        The method runs in a thread, while other engines are loaded in other threads: code that changes or depends on
        process-wide state must hold the lock `model.shared.process_state.process_state`.

        Raises:
            EngineUnavailable: files, packages or the device are missing; the text says what to do.
        """


class ValidatorClass(Protocol):
    """Protocol of a validator's class: it has a method `load` that creates the validator of one engine."""

    def load(self, **options: object) -> Validator:
        """Load the validator and return it; `options` are fields of the engine's own settings.

        Raises:
            EngineUnavailable: files or packages are missing; the text says what to do.
        """


def engine_class(name: str, factory: str = "") -> EngineClass:
    """Import and return the class of engine `name`; `factory` ("module:Class") overrides the registry's entry.

    Raises:
        EngineUnavailable: the registry has no entry of that name and no factory is given, or a package is not
        installed.
        ValueError: the factory is not of the form "module:Class".
    """
    path = factory or (ENGINES[name].factory if name in ENGINES else None)
    if path is None:
        raise EngineUnavailable(f"there is no engine {name!r}: use one of {', '.join(sorted(ENGINES))}")
    module, separator, attribute = path.partition(":")
    if not (module and separator and attribute):
        raise ValueError(f"the class of engine {name!r} must be given as 'module:Class', not {path!r}")
    return cast(EngineClass, getattr(_imported(name, module), attribute))


def load_validator(name: str, options: Mapping[str, object] | None = None) -> Validator:
    """Load the validator of engine `name` and return it; `options` are values of the engine's settings.

    Raises:
        EngineUnavailable: the registry has no entry of that name, or files or packages are missing; the text says what
        to do.
    """
    if name not in ENGINES or not ENGINES[name].validator:
        raise EngineUnavailable(
            f"engine {name!r} has no module validation with its request checks: add model/{name}/validation.py"
        )
    module, _, attribute = ENGINES[name].validator.partition(":")
    return cast(ValidatorClass, getattr(_imported(name, module), attribute)).load(**(options or {}))


def _imported(name: str, module: str) -> object:
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        missing = (error.name or "").partition(".")[0]
        if _is_own(module) and missing not in ("model", ""):
            raise EngineUnavailable(
                f"engine {name!r} needs the package {missing!r}: pip install 'melisma[{name}]'"
            ) from error
        raise


def _is_own(module: str) -> bool:
    paths = (path for entry in ENGINES.values() for path in (entry.factory, entry.validator))
    return any(path.partition(":")[0] == module for path in paths)


def settings_class(entry: EngineEntry) -> "type[BaseModel] | None":
    """Import and return the class of an engine's settings; `None` for an engine without settings."""
    return cast("type[BaseModel]", _class_at(entry.settings)) if entry.settings else None


def options_class(name: str) -> type[EngineOptions]:
    """Import and return the class of the request options of engine `name`. Raises LookupError if the engine has no
    options.
    """
    if name not in ENGINES or not ENGINES[name].options:
        raise LookupError(f"engine {name!r} has no options of its own: leave the options out")
    return cast(type[EngineOptions], _class_at(ENGINES[name].options))


def _class_at(path: str) -> object:
    module, _, attribute = path.partition(":")
    return getattr(importlib.import_module(module), attribute)


def load_engine(name: str, device: str, factory: str = "", options: Mapping[str, object] | None = None) -> Engine:
    """Load engine `name` onto `device` and return it; `options` are values of the engine's settings. Raises
    EngineUnavailable or ValueError, as described in `engine_class` and `EngineClass.load`.
    """
    return engine_class(name, factory).load(device, **(options or {}))
