"""Extracts the words of subtitles: SubRip (SRT), WebVTT, SubStation Alpha (ASS), SubViewer (SBV), MicroDVD."""

import re

from model.shared.lyrics.lines import Line, Notes

_CLOCK = r"(?:\d{1,2}:)?\d{1,2}:\d{2}(?:[.,:]\d{1,3})?"
_ARROW = re.compile(rf"{_CLOCK}\s*(?:[-–—]+>|[→⇒➔])\s*{_CLOCK}(?:\s+[a-zA-Z]\w*:\S+)*\s*")
_SUBVIEWER = re.compile(r"\d{1,2}:\d{2}:\d{2}[.,]\d{1,3},\d{1,2}:\d{2}:\d{2}[.,]\d{1,3}")
_FRAMES = re.compile(r"^\{\d{1,8}\}\{\d{1,8}\}")
_DIALOGUE = re.compile(r"^Dialogue:\s*(?:[^,]*,){9}(.*)$")
_OVERRIDE = re.compile(r"\{\\[^{}]*\}")
_SCRIPT_HEADER = re.compile(
    r"^(?:\[(?:Script Info|V4\+? Styles(?:\+)?|Events|Fonts|Graphics|Aegisub[^\]]*)\]|(?:Format|Style|Comment|"
    r"ScriptType|Title|"
    r"PlayRes[XY]|WrapStyle|Timer|Collisions|YCbCr Matrix|ScaledBorderAndShadow|Video \w+|Audio \w+|"
    r"Original \w+|Synch Point|"
    r"Script Updated By|Update Details)\s*:.*)$",
    re.IGNORECASE,
)
_VTT_HEADER = re.compile(r"^(?:WEBVTT\b.*|X-TIMESTAMP-MAP.*|NOTE\b.*|STYLE|REGION|Kind: \w+|Language: [\w-]+)$")


def out_of_subtitles(lines: list[Line], notes: Notes) -> list[Line]:
    """Return the lines without the numbers, times, headers and effects of subtitles. `notes` collects remarks for the
    caller.
    """
    found = _without_script(_without_cues(lines))
    if [line.text for line in found] != [line.text for line in lines]:
        notes.say("read as subtitles: times and numbers are not sung")
    return found


def _without_cues(lines: list[Line]) -> list[Line]:
    """Return the lines without the time lines of subtitle cues. A cue's name, a line between a blank line and the time
    line, is removed, too.
    """
    arrows = {n for n, line in enumerate(lines) if _ARROW.match(line.text) or _SUBVIEWER.fullmatch(line.text)}
    names = {n - 1 for n in arrows if n and (n == 1 or not lines[n - 2].text or lines[n - 1].text.isdigit())}
    if any(line.text.startswith("WEBVTT") for line in lines[:1]):
        names |= {n for n, line in enumerate(lines) if _VTT_HEADER.match(line.text)}
    behind = {n: _ARROW.sub("", lines[n].text, count=1) for n in arrows if _ARROW.match(lines[n].text)}
    blank = dict.fromkeys(arrows | names, "") | behind
    return [Line(line.number, blank.get(n, line.text)) for n, line in enumerate(lines)]


def _without_script(lines: list[Line]) -> list[Line]:
    script = any(_DIALOGUE.match(line.text) for line in lines)
    plain: list[Line] = []
    for line in lines:
        text = line.text
        if script and (match := _DIALOGUE.match(text)):
            text = match[1]
        elif (script and _SCRIPT_HEADER.match(text)) or re.fullmatch(r"\[(?:Script Info|V4\+? Styles|Events)\]", text):
            text = ""
        frames = bool(_FRAMES.match(text))
        text = re.sub(r"\\h", " ", _OVERRIDE.sub("", _FRAMES.sub("", text)))
        plain += [Line(line.number, part.strip()) for part in re.split(r"\\[Nn]" + r"|\|" * frames, text)]
    return plain
