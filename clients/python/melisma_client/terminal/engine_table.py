"""The properties of an engine as a table in a terminal."""

from collections.abc import Iterable, Iterator

from rich.markup import escape
from rich.table import Table

from melisma.v1 import music_pb2
from melisma.v1.music_pb2 import Engine


def engine_table(engine: Engine) -> Table:
    """Return a table with one row per property of the engine, its name first."""
    table = Table.grid(padding=(0, 2))
    table.add_row(f"[bold]{engine.name}[/bold]", engine.description)
    facts = {
        "ready": "yes" if engine.ready else "no",
        "devices": ", ".join(engine.devices),
        "languages": ", ".join(_languages(engine)) or "an instrument plays the melody",
        "voices": _names(map(music_pb2.VoiceKind.Name, engine.voices)) or "none",
        "adapters": ", ".join(engine.loras) or "none",
        "seconds": f"{engine.min_duration_seconds:g} to {engine.max_duration_seconds:g}",
        "steps": _steps(engine),
        "guidance": (
            f"{engine.min_guidance_scale:g} to {engine.max_guidance_scale:g}, else {engine.default_guidance_scale:g}"
        ),
        "controls": ", ".join(engine.controls),
        "stems": _names(map(music_pb2.StemKind.Name, engine.stems)),
        "length": "as planned" if engine.length_is_exact else "at most as planned",
        "sound": f"{engine.sample_rate_hertz} Hz, {'mono' if engine.channels == 1 else 'stereo'}",
        "licence": engine.license or "not known",
        "terms": ", ".join(engine.license_urls) or "not known",
        "commercial use": "allowed" if engine.commercial_use_allowed else "unknown",
        "attribution": engine.attribution or "none",
    }
    for name, value in facts.items():
        table.add_row(name, escape(value))
    return table


def _steps(engine: Engine) -> str:
    if not engine.max_steps:
        return "none"
    return f"{engine.min_steps} to {engine.max_steps}, else {engine.default_steps}"


def _languages(engine: Engine) -> Iterator[str]:
    for language in engine.languages:
        yield f"{language} (experimental)" if language in engine.experimental_languages else language


def _names(constants: Iterable[str]) -> str:
    return ", ".join(constant.partition("_KIND_")[2].lower() for constant in constants)
