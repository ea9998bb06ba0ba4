"""Formats lyrics as in the training data: lines under the section tags that the model knows."""

import re
from types import MappingProxyType

from model.shared.lyrics.reading import read_lyrics
from model.shared.lyrics.sections import WrittenSection
from model.shared.lyrics.tagged import names_singers, tagged_text
from model.song import SectionKind

TAGS = ("start", "intro", "verse", "chorus", "bridge", "outro", "end", "inst", "solo", "hook", "pre-chorus", "break")
"""Section tags that have a token of their own in the lyric vocabulary."""

_OF_KINDS = MappingProxyType(
    {
        SectionKind.INTRO: "intro",
        SectionKind.VERSE: "verse",
        SectionKind.PRE_CHORUS: "pre-chorus",
        SectionKind.CHORUS: "chorus",
        SectionKind.BRIDGE: "bridge",
        SectionKind.INST: "inst",
        SectionKind.OUTRO: "outro",
    }
)
_OWN = MappingProxyType({"独奏": "solo", "獨奏": "solo"})


def normalised(lyrics: str, field: str = "lyrics") -> tuple[str, tuple[str, ...]]:
    """Return the lyrics with each section tag on its own line, in the form that the model knows, and remarks for the
    caller on changes.

    "[Verse 1]", "副歌：" and "[Sax Solo]" become "[verse]", "[chorus]" and "[inst]". Marks of singers are removed,
    because the model cannot assign voices to lines. `field` is the field of the request.

    Raises:
        InvalidParams: the lyrics are not text, or have neither words nor tags.
    """
    written = read_lyrics(lyrics, field)
    marked = names_singers(written.sections)
    remarks = ("lyrics: marks of singers have no effect with this engine",) if marked else ()
    return tagged_text(written.sections, _tag), (*written.notes, *remarks)


def _tag(section: WrittenSection) -> str:
    """Return a section's tag as written if the model knows it, otherwise the model's tag for this kind of section."""
    written = section.tag.casefold().strip()
    names = (written, re.split(r"[\s:：,，(（]|\d", written)[0])
    own = (_OWN.get(name, name) for name in names)
    return next((name for name in own if name in TAGS), _OF_KINDS[section.kind])
