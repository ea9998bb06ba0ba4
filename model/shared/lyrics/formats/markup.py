"""Removes the markup of HTML and of timed text in XML (TTML, Apple's lyrics) from lyrics."""

import html
import re

from model.shared.lyrics.lines import Notes
from model.shared.lyrics.tags import Remark, read_tag

_UNSEEN = ("head", "style", "script", "metadata", "title")
_LINE_TAGS = frozenset(
    [
        "br",
        "p",
        "div",
        "li",
        "ul",
        "ol",
        "tr",
        "table",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "hr",
        "pre",
        "body",
        "tt",
        "html",
        "section",
        "article",
        "blockquote",
    ]
)
_OTHER_TAGS = frozenset(
    [
        "a",
        "abbr",
        "b",
        "big",
        "c",
        "center",
        "cite",
        "code",
        "col",
        "del",
        "dd",
        "dl",
        "dt",
        "em",
        "font",
        "footer",
        "form",
        "header",
        "i",
        "img",
        "input",
        "ins",
        "kbd",
        "label",
        "layout",
        "link",
        "main",
        "mark",
        "meta",
        "nav",
        "option",
        "q",
        "region",
        "rp",
        "rt",
        "ruby",
        "s",
        "samp",
        "select",
        "small",
        "span",
        "strike",
        "strong",
        "styling",
        "sub",
        "sup",
        "svg",
        "td",
        "template",
        "th",
        "thead",
        "tbody",
        "time",
        "u",
        "v",
        "var",
        "wbr",
    ]
)
_TAG = re.compile(r"<(/?)([A-Za-z][\w:.-]{0,30})((?:\s[^<>]{0,400})?)/?>")
_DECLARATION = re.compile(r"<[?!][^<>]{0,400}>")
_ENTITY = re.compile(r"&(?:[a-zA-Z]{2,8}|#\d{1,6}|#x[0-9a-fA-F]{1,6});")
_FORUM = re.compile(
    r"\[/?(?:b|i|u|s|center|left|right|url|size|color|font|quote|code|spoiler|img|align)(?:=[^\[\]]{0,80})?\]"
)
_ANGLES = re.compile(r"<([^\W\d][^<>\n]{0,40})>")
_CONTENT = re.compile(r"<Lyric[^<>]*?\bLyricContent\s*=\s*\"([^\"]*)\"[^<>]{0,200}>")
_PART = re.compile(r"songPart\s*=\s*[\"']([\w -]{1,40})[\"']")


def without_markup(text: str, notes: Notes) -> str:
    """Return `text` without HTML, XML and forum tags (BBCode); line breaks and character entities are converted to
    characters. `notes` collects remarks for the caller.
    """
    for _ in range(2):  # some text is escaped twice
        if _ENTITY.search(text):
            text = html.unescape(text).replace("\u00a0", " ")
    if "[/" in text:
        text = _FORUM.sub("", text)
    return _without_tags(text, notes) if "<" in text else text


def _without_tags(text: str, notes: Notes) -> str:
    text = _CONTENT.sub(r"\n\1\n", text)  # QRC has the words in an attribute
    plain = _DECLARATION.sub("", _between(text, "<!--", "-->"))
    for name in _UNSEEN:
        plain = _between(plain, f"<{name}>", f"</{name}>")
        plain = _between(plain, f"<{name} ", f"</{name}>")
    plain = _TAG.sub(_in_text, plain)
    if plain != text:
        notes.say("tags of HTML and XML are left out")
    return _ANGLES.sub(_as_tag, plain)


def _in_text(match: re.Match[str]) -> str:
    closing, name, rest = match[1], match[2].lower().rpartition(":")[2], match[3]
    if name not in _LINE_TAGS | _OTHER_TAGS and not closing and "=" not in rest:
        return match[0]
    part = _PART.search(rest)
    heading = f"\n[{part[1]}]\n" if part else ""
    return heading + ("\n" if name in _LINE_TAGS and not heading else "")


def _as_tag(match: re.Match[str]) -> str:
    """Return a text in angle brackets as a section tag in square brackets; unchanged if it may be lyrics to sing."""
    return match[0] if isinstance(read_tag(match[1]), Remark) and " " in match[1] else f"[{match[1]}]"


def _between(text: str, opening: str, closing: str) -> str:
    """Return `text` without everything from each `opening` sign to the next `closing` sign."""
    kept, position = [], 0
    lowered = text.lower()
    while (start := lowered.find(opening, position)) >= 0 and (end := lowered.find(closing, start)) >= 0:
        kept.append(text[position:start])
        position = end + len(closing)
    return "".join([*kept, text[position:]])
