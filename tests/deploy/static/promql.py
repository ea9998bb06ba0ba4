"""Finds the names in PromQL expressions, without checking that the expressions are valid, which promtool does."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

_OPERATORS = frozenset({"and", "bool", "offset", "or", "unless"})
_STRING = re.compile(r'"(?:[^"\\]|\\.)*"')
_RANGE = re.compile(r"\[[^\]]*\]")
_GROUPING = re.compile(r"\b(?:by|without|on|ignoring|group_left|group_right)\s*\(([^()]*)\)")
_SELECTOR = re.compile(r"(?<![\w:$.])([a-zA-Z_:][\w:]*)(?![\w:])(?!\s*\()\s*(?:\{([^{}]*)\})?")
_LABEL = re.compile(r"\w+(?=\s*(?:=~|!~|!=|=))")


@dataclass(frozen=True)
class Selector:
    """A metric in an expression, and the labels by which its series are selected."""

    metric: str
    labels: frozenset[str]


def selectors(expr: str) -> Iterator[Selector]:
    """Yield the selectors of all metrics in an expression."""
    plain = _RANGE.sub("", _GROUPING.sub(" ", _STRING.sub('""', expr)))
    for metric, labels in _SELECTOR.findall(plain):
        if metric not in _OPERATORS:
            yield Selector(metric, frozenset(_LABEL.findall(labels)))


def groupings(expr: str) -> frozenset[str]:
    """Return the labels in the grouping clauses (`by`, `without`, `on` and others) of an expression."""
    return frozenset(label for labels in _GROUPING.findall(_STRING.sub('""', expr)) for label in _words(labels))


def _words(text: str) -> list[str]:
    return re.findall(r"\w+", text)
