"""Checks that a request uses only the controls (optional request fields) that an engine supports."""

from collections.abc import Collection, Iterator
from types import MappingProxyType

from model.song import ALL_STEMS, Control, InvalidParams, SongParams, Violation
from model.tasks import AudioToAudio, Complete, Edit, Extend, ExtractTrack, Lego, Repaint, Retake

_TASKS = MappingProxyType(
    {
        AudioToAudio: Control.AUDIO_TO_AUDIO,
        Retake: Control.RETAKE,
        Repaint: Control.REPAINT,
        Extend: Control.EXTEND,
        Edit: Control.EDIT,
        ExtractTrack: Control.EXTRACT_TRACK,
        Lego: Control.LEGO,
        Complete: Control.COMPLETE,
    }
)


def used_controls(params: SongParams) -> Iterator[Control]:
    """Yield the controls (optional request fields) that are set in a request's parameters."""
    used = {
        Control.STEPS: params.steps is not None,
        Control.GUIDANCE_SCALE: params.guidance_scale is not None,
        Control.KEY: params.key is not None,
        Control.TEMPO: params.tempo_bpm is not None,
        Control.ANCHOR: bool(params.anchor),
        Control.STEMS: params.stems != ALL_STEMS,
        Control.VOICE: params.voice is not None,
        Control.VOCAL_LEVEL: params.vocal_level_db != 0.0,
        Control.LANGUAGE: params.language is not None,
        Control.NEGATIVE_PROMPT: bool(params.negative_prompt.strip()),
        Control.TIME_SIGNATURE: params.time_signature is not None,
        Control.REFERENCE_AUDIO: bool(params.reference_audio),
    }
    yield from (control for control, is_used in used.items() if is_used)
    if params.task is not None:
        yield _TASKS[type(params.task)]


def check_controls(params: SongParams, engine: str, controls: Collection[Control]) -> None:
    """Raise an error if a request uses controls that the engine does not support; `controls` are the supported ones.

    Raises:
        InvalidParams: the engine does not support some controls; one violation for each.
    """
    found = [
        Violation(control.value, f"engine {engine!r} does not support this field: leave it out")
        for control in used_controls(params)
        if control not in controls
    ]
    if found:
        raise InvalidParams(*found)
