"""Generates valid requests for songs."""

import random
import uuid
from collections.abc import Mapping
from typing import Any

from melisma.v1 import music_pb2
from tests.support.fuzzing.texts import GOOD_PROMPTS, good_lyrics

FAKE, STUDIO, ACE_STEP = "fake", "studio", "ace_step"

_SECONDS = (0.0, 60.0, 90.0, 240.0)
_FIELDS: Mapping[str, Mapping[str, tuple[Any, ...]]] = {
    FAKE: {
        "duration_seconds": (0.0, 10.0, 11.5, 240.0),
        "steps": (1, 4, 100),
        "guidance_scale": (1.0, 9.5),
        "tempo_bpm": (40.0, 120.0, 220.0),
        "key": ("C major", "F# minor", "Am"),
        "vocal_level_db": (-24.0, 0.0, 12.0),
        "stems": ([music_pb2.STEM_KIND_VOCAL], [music_pb2.STEM_KIND_BASS, music_pb2.STEM_KIND_DRUMS]),
        "mastering": ({"target_lufs": -16.0}, {}),
        "audio": ({"bitrate_kbps": 128}, {}),
        "retake": ({"variance": 0.5}, {}),
        "anchor": ({"notes": {"notes": [{"pitch": 60, "length_beats": 1.0}, {"pitch": 0, "length_beats": 0.25}]}},),
    },
    STUDIO: {
        "duration_seconds": _SECONDS,
        "steps": (10, 12),
        "tempo_bpm": (80.0, 120.0),
        "key": ("C major", "Am"),
        "vocal_level_db": (-3.0, 3.0),
        "stems": ([music_pb2.STEM_KIND_VOCAL], [music_pb2.STEM_KIND_BASS, music_pb2.STEM_KIND_DRUMS]),
        "voice": (music_pb2.VOICE_KIND_FEMALE, music_pb2.VOICE_KIND_MALE),
        "mastering": ({"target_lufs": -16.0}, {}),
        "anchor": ({"notes": {"notes": [{"pitch": 60, "length_beats": 1.0}, {"pitch": 62, "length_beats": 2.0}]}},),
    },
    ACE_STEP: {
        "duration_seconds": (10.0, 30.0, 60.0),
        "steps": (1, 4),
        "guidance_scale": (1.0, 9.5),
        "audio": ({"bitrate_kbps": 128}, {}),
        "retake": ({"variance": 0.5},),
    },
}


def good_song(chance: random.Random, engine: str) -> music_pb2.GenerateRequest:
    """Return a random request that the engine can make, with some of its controls."""
    asked: dict[str, Any] = {"engine": engine, "prompt": chance.choice(GOOD_PROMPTS)}
    for name, values in _FIELDS[engine].items():
        if chance.random() < 0.25:
            asked[name] = chance.choice(values)
    if engine == ACE_STEP:
        asked.setdefault("duration_seconds", 10.0)
    if chance.random() < 0.5:
        asked["lyrics"] = good_lyrics(chance)
        asked["duration_seconds"] = 240.0 if "anchor" in asked or engine == STUDIO else 60.0
    if chance.random() < 0.5:
        asked["seed"] = chance.randrange(2**32)
    if chance.random() < 0.3:
        asked["request_id"] = str(uuid.UUID(int=chance.getrandbits(128), version=4))
    return music_pb2.GenerateRequest(**asked)
