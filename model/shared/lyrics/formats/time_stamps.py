"""Reads timed lyrics of music players: LRC and related formats (QRC, KRC, YRC)."""

import re
from collections import Counter
from dataclasses import dataclass

from model.shared.lyrics.lines import Line, Notes, words_of

_CLOCK = r"\d{1,3}\s*[:：]\s*\d{1,2}(?:\s*[.:,：。]\s*\d{1,3}){0,2}"
_RANGE = rf"-?{_CLOCK}(?:\s*[-–—~]+>?\s*{_CLOCK})?"
_STAMP = re.compile(rf"[\[［【]\s*({_RANGE})\s*[\]］】]|<\s*({_RANGE})\s*>")
_LEADING = re.compile(rf"^(?:{_STAMP.pattern}\s*[-–—]?\s*)+")
_ROUND = re.compile(
    rf"^[(（{{]\s*({_RANGE})\s*[)）}}]\s*|"
    rf"^[@#]?({_CLOCK})(?:\s*[-–—~|]+\s*(?:{_CLOCK}\s*)?|\s+(?:{_CLOCK}\s+)?|(?=[^\s\d:.,]))(?=\S)"
)
_LABEL = re.compile(r"^(\d{1,6}(?:\.\d{1,6})?)\s+\d{1,6}(?:\.\d{1,6})?\s+(?=\D)")
_LINE_MILLISECONDS = re.compile(r"^\[(\d{1,8}),\s*\d{1,8}\]")
_WORD_MILLISECONDS = re.compile(r"[(<]\d{1,8},\s*\d{1,8}(?:,\s*\d{1,8})?[)>]")
_HEADER = re.compile(
    r"^[\[［]\s*(?:ti|ar|al|au|by|offset|length|re|ve|la|lang|language|id|hash|sign|qq|total|kana|tool|encoding|lr|mu|"
    r"title|artist|album|author|creator|version|editor|#)\s*[:：][^\]］]*[\]］]$",
    re.IGNORECASE,
)
_TITLE_HEADER = re.compile(r"^\[ti\s*[:：]\s*([^\]]+)\]", re.IGNORECASE)
_HANZI = re.compile("[\u3400-\u9fff]")
_MOST_STAMPS = 8
_TOLD = "time stamps are not sung, but give the order of the lines"


@dataclass(frozen=True, slots=True)
class _Timed:
    """A line of lyrics without its time stamps, and the times of these stamps in seconds."""

    line: Line
    seconds: tuple[float, ...]


def without_times(lines: list[Line], notes: Notes) -> list[Line]:
    """Return the lines sorted by time, without time stamps and headers; a line with two times occurs twice. `notes`
    collects remarks for the caller.
    """
    lines = _without_times_alone(lines, notes)
    headers = [line for line in lines if _HEADER.match(line.text)]
    kept = [Line(line.number, "") if _HEADER.match(line.text) else line for line in lines]
    pattern = _ROUND if _has_clocks(kept) else _LABEL if _has_labels(kept) else None
    timed = [_timed(line, pattern) for line in kept]
    if headers:
        notes.say("the headers of an LRC file are not sung")
    if all(a.line.text == b.text for a, b in zip(timed, kept, strict=True)):
        return kept
    notes.say(_TOLD)
    return _without_translations(_without_title(_in_order(timed), headers), notes)


def _without_times_alone(lines: list[Line], notes: Notes) -> list[Line]:
    """Return the lines with each line that consists only of a time made blank; if there are fewer than two such lines,
    all lines unchanged. `notes` collects remarks for the caller.
    """
    times = [line for line in lines if re.fullmatch(_CLOCK, line.text)]
    if len(times) < 2:
        return lines
    notes.say(_TOLD)
    return [Line(line.number, "") if re.fullmatch(_CLOCK, line.text) else line for line in lines]


def _has_clocks(lines: list[Line]) -> bool:
    """Return True if most lines, and at least two, begin with a time that is not in square brackets."""
    words = words_of(lines)
    found = sum(_ROUND.match(line.text) is not None for line in words)
    return found > 1 and found > 0.5 * len(words)


def _has_labels(lines: list[Line]) -> bool:
    """Return True if two times in seconds precede the words of every line, as in the labels of audio editors."""
    words = words_of(lines)
    return len(words) > 1 and all(_LABEL.match(line.text) for line in words)


def _timed(line: Line, bare: re.Pattern[str] | None) -> _Timed:
    """Return a line without its time stamps, and the times of these stamps. The pattern `bare` matches a time stamp
    that is not in square brackets.
    """
    text, seconds = line.text, list[float]()
    if not any(character.isdigit() for character in text):
        return _Timed(line, ())
    if match := _LINE_MILLISECONDS.match(text):
        seconds = [int(match[1]) / 1000]
        text = _WORD_MILLISECONDS.sub("", text[match.end() :])
    elif match := _LEADING.match(text):
        stamps = list(_STAMP.finditer(match[0]))
        own = [stamp[1] for stamp in stamps if stamp[1]] or [stamps[0][2]]  # stamps in angle brackets time single words
        seconds = [_seconds(stamp) for stamp in dict.fromkeys(own)][:_MOST_STAMPS]
    elif bare is not None and (match := bare.match(text)):
        stamp = next(group for group in match.groups() if group)
        seconds = [_seconds(stamp) if bare is _ROUND else float(stamp)]
        text = text[match.end() :]
    if _STAMP.search(text):
        text = re.sub(r" {2,}", " ", _STAMP.sub("", text))
    return _Timed(Line(line.number, text.strip()), tuple(seconds))


def _seconds(stamp: str) -> float:
    """Return the time of a time stamp in seconds. The last of three or four numbers is a fraction of a second; the
    first of four is the hours.
    """
    numbers = re.findall(r"\d+", re.split(r"[-–—~]", stamp.lstrip("-"))[0])
    fraction = numbers.pop() if len(numbers) > 2 else "0"
    hours, minutes, seconds = [0, *map(int, numbers)][-3:]
    return 3600 * hours + 60 * minutes + seconds + float(f"0.{fraction}")


def _in_order(timed: list[_Timed]) -> list[tuple[float, Line]]:
    """Return the lines sorted by time, as pairs of seconds and line; a line with several times occurs as often. A line
    without a time keeps its place after the line before it; a tag keeps its place before the next line.
    """
    entries: list[tuple[float, Line]] = []
    waiting: list[Line] = []
    now = 0.0
    for item in timed:
        if not item.seconds and item.line.text[:1] in "[［【〔(（":
            waiting.append(item.line)
            continue
        for n, seconds in enumerate(item.seconds or (now,)):
            entries += [(seconds, line) for line in waiting if n == 0]
            entries.append((seconds, item.line))
        waiting = []
        now = item.seconds[0] if item.seconds else now
    entries += [(now, line) for line in waiting]
    several = any(len(item.seconds) > 1 for item in timed)
    return (
        sorted(entries, key=lambda entry: entry[0]) if several or len(words_of(e[1] for e in entries)) > 1 else entries
    )


def _without_title(entries: list[tuple[float, Line]], headers: list[Line]) -> list[tuple[float, Line]]:
    """Return the timed lines without a first line of the form "title - artist"."""
    titles = [match[1].strip() for line in headers if (match := _TITLE_HEADER.match(line.text))]
    for place, (seconds, line) in enumerate(entries):
        if line.text:
            parts = re.split(r"\s+[-–—]\s+", line.text)
            titled = seconds < 1.0 and len(parts) == 2 and (not titles or parts[0].startswith(titles[0][:4]))
            return entries[:place] + entries[place + 1 :] if titled or line.text in titles else entries
    return entries


def _without_translations(entries: list[tuple[float, Line]], notes: Notes) -> list[Line]:
    """Return the lines in order; of two lines with the same time, the second is left out as a translation. This is done
    only if most times have two lines in two scripts. `notes` collects remarks for the caller.
    """
    counts = Counter(seconds for seconds, line in entries if line.text)
    doubled = [seconds for seconds, count in counts.items() if count == 2]
    pairs = {s: [line for seconds, line in entries if seconds == s and line.text] for s in doubled[:400]}
    foreign = [b for a, b in pairs.values() if bool(_HANZI.search(a.text)) != bool(_HANZI.search(b.text))]
    if len(foreign) < 2 or len(foreign) < 0.5 * len(counts):
        return [line for _, line in entries]
    notes.say("translations (second lines with the same time stamp) are not sung")
    return [line for _, line in entries if not any(line is other for other in foreign)]
