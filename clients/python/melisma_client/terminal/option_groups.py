"""Lets a command of the command line declare its options as fields of dataclasses."""

from collections.abc import Callable, Iterator
from dataclasses import fields, is_dataclass
from inspect import Parameter, Signature, signature
from typing import Any, TypeGuard, cast


def with_groups(function: Callable[..., None]) -> Callable[..., None]:
    """Return `function` as a command. Each parameter whose type is a dataclass becomes one option for each of the
    dataclass's fields.

    All parameters and fields are keyword-only. Fields declare their options as parameters do.
    """
    parameters = signature(function).parameters.values()
    groups = {one.name: one.annotation for one in parameters if _is_group(one.annotation)}

    def command(**values: object) -> None:
        for name, group in groups.items():
            values[name] = group(**{field.name: values.pop(field.name) for field in fields(group)})
        function(**values)

    command.__name__, command.__doc__ = function.__name__, function.__doc__
    # The command-line library (typer) reads the options from the signature.
    cast(Any, command).__signature__ = Signature([option for one in parameters for option in _options(one)])
    return command


def _options(parameter: Parameter) -> Iterator[Parameter]:
    if _is_group(parameter.annotation):
        yield from signature(parameter.annotation).parameters.values()
    else:
        yield parameter


def _is_group(annotation: object) -> TypeGuard[type[Any]]:
    return is_dataclass(annotation)
