"""Derives the environment variable of each setting: its name, description and default value."""

from typing import NamedTuple

from pydantic import BaseModel
from pydantic.fields import FieldInfo

ENVIRONMENT_PREFIX = "MELISMA_"
PATH_DELIMITER = "__"


class Variable(NamedTuple):
    """One environment variable of the settings: name, description, and default value as it is written in the
    environment.
    """

    name: str
    description: str
    default: str


def variable_name(*path: str) -> str:
    """Return the name of the environment variable that sets the field at `path` (names of its groups, then its own
    name).
    """
    return ENVIRONMENT_PREFIX + PATH_DELIMITER.join(path).upper()


def variables_of(model: type[BaseModel], *path: str) -> list[Variable]:
    """Return the environment variables of all fields of `model`, including nested groups; `path` is that of the group
    `model` itself.
    """
    found: list[Variable] = []
    for name, field in model.model_fields.items():
        if isinstance(field.default, BaseModel):
            found += variables_of(type(field.default), *path, name)
        else:
            found.append(variable_of(field, *path, name))
    return found


def variable_of(field: FieldInfo, *path: str) -> Variable:
    """Return the environment variable that sets `field`, whose path (names of its groups, then its own name) is
    `path`.
    """
    return Variable(variable_name(*path), field.description or "", _written(field.default))


def _written(value: object) -> str:
    if isinstance(value, tuple):
        return ",".join(map(str, value))
    return "none" if value == {} else str(value)
