"""Makes the metadata tags that are written into the file of every song."""

from model.song import SongPlan
from server.audio.marks import mark_tags
from server.song import Marks

_TITLE_CHARACTERS = 100


def tags_of(prompt: str, lyrics: str, plan: SongPlan, marks: Marks | None = None) -> dict[str, str]:
    """Return the metadata tags of a song's file by name, the marks of generated sound first; empty tags are left out.

    The title is the first sung line, or `prompt` if no line is sung.
    """
    sung = (line.text for section in plan.sections for line in section.lines)
    tags = (mark_tags(marks) if marks else {}) | {
        "title": next(sung, prompt)[:_TITLE_CHARACTERS],
        "engine": plan.engine,
        "seed": str(plan.seed),
        "prompt": prompt,
        "lyrics": lyrics,
        "key": plan.key or "",
        "tempo_bpm": "" if plan.tempo_bpm is None else f"{plan.tempo_bpm:.0f}",
    }
    return {name: text for name, text in tags.items() if text}
