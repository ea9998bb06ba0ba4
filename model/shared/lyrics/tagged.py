"""Formats lyrics as text with section tags, the form that diffusion models are trained on."""

from collections.abc import Callable, Iterator, Sequence

from model.shared.lyrics.sections import WrittenSection


def tagged_text(sections: Sequence[WrittenSection], tag_of: Callable[[WrittenSection], str]) -> str:
    """Return the sections as text: the tag that `tag_of` returns, in brackets on its own line, then the lines of the
    section. Blank lines are kept.
    """
    return "\n".join(line for section in sections for line in _lines(section, tag_of)).strip()


def names_singers(sections: Sequence[WrittenSection]) -> bool:
    """Return True if any line of the sections is marked with its singer."""
    return any(line.singer for section in sections for line in section.lines)


def _lines(section: WrittenSection, tag_of: Callable[[WrittenSection], str]) -> Iterator[str]:
    """Yield the tag of a section and its lines, with the blank lines between them."""
    yield from [""] * section.after_blank
    if section.tag:
        yield f"[{tag_of(section)}]"
    for line in section.lines:
        yield from [""] * line.after_blank
        yield line.text
