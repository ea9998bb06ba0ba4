"""Finds engines by name without importing any of them before it is asked for."""

import importlib
from types import MappingProxyType
from typing import Protocol, cast

from model.engine import Engine, EngineUnavailable

FACTORIES = MappingProxyType({"studio": "model.studio.engine:StudioEngine"})
"""The engines that come with this package: name to "module:Class"."""


class EngineClass(Protocol):
    """What a factory path has to lead to."""

    def load(self, device: str) -> Engine:
        """Load the engine onto `device` ("cpu", "cuda:0").

        Raises:
            EngineUnavailable: files, packages or the device are missing; the text says what to do.
        """


def engine_class(name: str, factory: str = "") -> EngineClass:
    """Import the class of engine `name`; `factory` ("module:Class") goes before the entry of the same name.

    Raises:
        EngineUnavailable: there is no entry of that name and no factory; the text lists the known names.
        ValueError: the factory is not of the form "module:Class".
    """
    path = factory or FACTORIES.get(name)
    if path is None:
        raise EngineUnavailable(f"there is no engine {name!r}; known engines: {', '.join(sorted(FACTORIES))}")
    module, separator, attribute = path.partition(":")
    if not (module and separator and attribute):
        raise ValueError(f"the factory of engine {name!r} must read 'module:Class', not {path!r}")
    return cast(EngineClass, getattr(importlib.import_module(module), attribute))


def load_engine(name: str, device: str, factory: str = "") -> Engine:
    """Load engine `name` onto `device`; errors as in `engine_class` and `EngineClass.load`."""
    return engine_class(name, factory).load(device)
