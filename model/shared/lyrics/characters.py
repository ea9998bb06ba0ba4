"""Normalises characters of a caller's text: removes invisible characters, and resolves escape sequences."""

import re
import unicodedata
from types import MappingProxyType
from urllib.parse import unquote

from model.shared.lyrics.lines import Line, Notes
from model.song import InvalidParams, Violation

HANZI = "\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U000323af"

_MOST_UNREADABLE = 0.05
_MAGIC = {
    "ID3": "an MP3 file",
    "RIFF": "a WAV file",
    "OggS": "an Ogg file",
    "fLaC": "a FLAC file",
    "MThd": "a MIDI file",
    "%PDF-": "a PDF file",
    "PK\x03\x04": "a Word or ZIP file",
    "{\\rtf": "an RTF file",
    "\x7fELF": "a program",
    "GIF8": "a picture",
}
_NEWLINES = re.compile("\r\n?|[\x0b\x0c\x1c-\x1e\x85\u2028\u2029⏎↵␤¶]")
_PERCENT = re.compile(r"(?:%[0-9A-Fa-f]{2}){3}")
_LINE_END = re.compile(rf"(?:%0D)?%0A|(?<=[{HANZI}，。！？、])/n(?=[{HANZI}\[【（(\s]|$)", re.IGNORECASE)
_KEYCAP = re.compile("([0-9])\ufe0f?\u20e3")
_FOLDED = MappingProxyType(
    {code: unicodedata.normalize("NFKC", chr(code)) for first, last in
     ((0x1D400, 0x1D7FF), (0x2E80, 0x2FDF), (0x24B6, 0x24E9)) for code in range(first, last + 1)}
    | dict(zip(map(ord, "ᴀʙᴄᴅᴇꜰɢʜɪᴊᴋʟᴍɴᴏᴘʀꜱᴛᴜᴠᴡʏᴢ"), "abcdefghijklmnoprstuvwyz", strict=True))
)  # fmt: skip
"""Table that replaces ornamental letters and Chinese radicals by plain characters."""
_BLANKS = re.compile("[\t\u00a0\u1680\u2000-\u200a\u202f\u205f\u2800\u3000\u3164\uffa0]")
_INVISIBLE = re.compile(
    "[\x00-\x08\x0e-\x1f\x7f-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b\u200e\u200f\u202a-\u202e"
    "\u2060-\u206f\ufe00-\ufe0f\ufeff\ufff9-\ufffb\U000e0000-\U000e0fff]"
    # Between letters of these scripts, joiners are part of the spelling.
    "|(?<![\u0600-\u0dff])[\u200c\u200d]|[\u200c\u200d](?![\u0600-\u0dff])"
)
_ESCAPED_NEWLINE = re.compile(r"(?:\\{1,4}r)?\\{1,4}n(?![a-z])|\\{1,4}r(?![a-z])|\\{1,4}[nr](?=[\[(（【])")
_ESCAPED_SIGN = re.compile(r"\\{1,4}([\"'/\[\]()*_#`~>|.!-])")
_ESCAPED_CODE = re.compile(r"\\u([0-9a-fA-F]{4})")
_SPACED_RUN = re.compile(
    rf"(?<!\S)[{HANZI}](?:[，。！？、；：,.!?;:…～~]?[ ]{{1,3}}[{HANZI}][，。！？、；：,.!?;:…～~]*){{2,}}(?!\S)"
)
_LATIN_TOKEN = re.compile(r"[A-Za-z]+")
_FEWEST_SPACED_LETTERS = 8


def check_is_text(text: str, field: str) -> None:
    """Raise an error if `text`, the lyrics in the request field `field`, is the content of a binary file.

    Raises:
        InvalidParams: `text` begins like a binary file, or more than 5 % of its characters are control or replacement
            characters.
    """
    start = text.lstrip("\ufeff \r\n")
    for magic, kind in _MAGIC.items():
        if start.startswith(magic) and (magic.startswith(("PK", "{", "%", "\x7f")) or _unreadable(text)):
            raise InvalidParams(Violation(field, f"are {kind}; send the words as text, or the words in a UTF-8 file"))
    unreadable = _unreadable(text)
    if unreadable > _MOST_UNREADABLE * len(text):
        reason = f"{unreadable} of {len(text)} characters belong to no text; save the lyrics as UTF-8 text"
        raise InvalidParams(Violation(field, reason))


def _unreadable(text: str) -> int:
    return sum(
        1
        for c in text
        if c == "\ufffd" or (unicodedata.category(c) in {"Cc", "Co", "Cs"} and c not in "\t\n\r\x0b\x0c\x85")
    )


def decoded(text: str, notes: Notes) -> str:
    """Return `text` with a wrong decoding undone: UTF-8 that was decoded as a Western encoding, such as "å¤œ" for "夜".
    `notes` collects remarks for the caller.
    """
    for encoding in ("latin-1", "cp1252"):
        try:
            written = text.encode(encoding).decode("utf-8-sig")
        except UnicodeError:
            continue
        if written != text:
            notes.say("had been decoded with a wrong encoding, and was decoded again as UTF-8")
        return written
    return text


def visible(text: str, notes: Notes) -> str:
    """Return `text` in composed form (NFC) without invisible characters, and with only plain spaces and newlines.
    `notes` collects remarks for the caller.
    """
    text = _BLANKS.sub(" ", _NEWLINES.sub("\n", unicodedata.normalize("NFC", text)))
    text = _KEYCAP.sub(r"\1. ", _LINE_END.sub("\n", text).translate(_FOLDED))
    if _PERCENT.search(text):
        text = unquote(text)
    if "\\" in text:
        text = _unescaped(text, notes)
    return without_invisible(text)


def without_invisible(text: str) -> str:
    """Return `text` without invisible characters."""
    return _INVISIBLE.sub("", text).replace("\ufffd", "")


def _unescaped(text: str, notes: Notes) -> str:
    plain, count = _ESCAPED_NEWLINE.subn("\n", text)
    if count:
        notes.say(r"the two characters \n are taken as the end of a line")
    plain = re.sub(r"\\{1,4}t(?![a-z])", " ", plain)
    return _ESCAPED_SIGN.sub(r"\1", _ESCAPED_CODE.sub(_decoded, plain))


def _decoded(match: re.Match[str]) -> str:
    character = chr(int(match[1], 16))
    return character if unicodedata.category(character) not in {"Cs", "Cc"} else ""


def unspaced(lines: list[Line]) -> list[Line]:
    """Return the lines with the spaces between the characters of a word removed ("月 光" becomes "月光").

    Latin letters are joined only if nearly all words of the text are single letters, and wider spaces separate its
    words.
    """
    tokens = [token for line in lines for token in _LATIN_TOKEN.findall(line.text)]
    single = sum(len(token) == 1 for token in tokens)
    letters = single >= _FEWEST_SPACED_LETTERS and single > 0.9 * len(tokens)
    letters = letters and any("  " in line.text for line in lines)
    return [Line(line.number, _unspaced(line.text, letters=letters)) for line in lines]


def _unspaced(text: str, *, letters: bool) -> str:
    if letters:
        words = re.split(r" {2,}", text)
        text = " ".join(re.sub(r"(?<=\S) (?=\S)", "", word) for word in words)
    return _SPACED_RUN.sub(_together, text)


def _together(match: re.Match[str]) -> str:
    return re.sub(r" {2,}", " ", re.sub(r"(?<=\S) (?=\S)", "", match[0]))
