"""Removes Markdown markup from lyrics."""

import re

from model.shared.lyrics.lines import Line
from model.shared.lyrics.repeats import has_signs

_FENCE = re.compile(r"^(?:(?:```|~~~)[\w-]{0,12}|(?:\w{1,20}\s*=\s*)?(?:\"{3}|'{3}))$")
_LINK = re.compile(r"!?\[([^\[\]]{1,200})\]\((?:https?:|/|#|www\.)[^()\s]{0,300}\)")
_PAIRS = tuple(
    re.compile(rf"(?<![A-Za-z0-9{re.escape(sign[0])}]){re.escape(sign)}(?=[^\s{re.escape(sign[0])}])([^\n]{{1,300}}?)"
               rf"(?<=[^\s{re.escape(sign[0])}]){re.escape(sign)}(?![A-Za-z0-9{re.escape(sign[0])}])")
    for sign in ("***", "**", "___", "__", "~~", "`", "*", "_")
)  # fmt: skip
_CELLS = re.compile(r"^\|(.+)\|$")


def without_markdown(lines: list[Line]) -> list[Line]:
    """Return the lines without Markdown emphasis, links, code fences and tables. Words masked with asterisks ("f***")
    stay unchanged.
    """
    return [Line(line.number, _plain(line.text)) for line in lines]


def _plain(text: str) -> str:
    text = text.rstrip("\\ ")  # a backslash at the end forces a line break
    if _FENCE.match(text):
        return ""
    if (match := _CELLS.match(text)) and not has_signs(text):
        cells = [cell.strip() for cell in match[1].split("|")]
        text = " ".join(cell for cell in cells if cell and not re.fullmatch(r":?-+:?", cell))
    if not any(sign in text for sign in "*_~`["):
        return text
    text = _LINK.sub(r"\1", text)
    for pair in _PAIRS:
        text = pair.sub(r"\1", text)
    return text.strip()
