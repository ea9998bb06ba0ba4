"""Computes a fingerprint of the encoding: equal on servers that encode the same sound to the same bytes."""

import hashlib

import numpy as np

from model.song import SectionKind, SectionPlan, SongParams, SongPlan
from server.audio.codecs.base import EncoderFactory
from server.audio.codecs.registry import FORMATS
from server.audio.marks import marks_of
from server.audio.tags import tags_of
from server.song import AudioSettings
from server.workers.sound.origin import origin_of

_RATE_HERTZ, _SECONDS, _SEED = 48_000, 1.0, 20_240_229
_PLAN = SongPlan("", _SEED, 1, 1.0, _SECONDS, (SectionPlan(0, SectionKind.VERSE, "verse", 0.0, _SECONDS),))
_PARAMS = SongParams("pop ballad", "月光照在窗台上", _SEED)


def encoding_fingerprint(factory: EncoderFactory, producer: str | None = None) -> str:
    """Return a hash, 16 hexadecimal digits, of one second of fixed sound after mastering, tagging and encoding in every
    delivery format.
    """
    rng, times = np.random.default_rng(_SEED), np.arange(round(_RATE_HERTZ * _SECONDS)) / _RATE_HERTZ
    tones = np.stack([np.sin(2 * np.pi * 220 * times), np.sin(2 * np.pi * 331 * times)])
    window = (0.4 * tones + 0.1 * rng.standard_normal(tones.shape)).astype(np.float32)
    marks = None if producer is None else marks_of(origin_of("", _PARAMS, AudioSettings()), producer)
    digest, tags = hashlib.sha256(), tags_of(_PARAMS.prompt, _PARAMS.lyrics, _PLAN, marks)
    for name in FORMATS:
        audio = AudioSettings(format=name)
        encoder = factory(_RATE_HERTZ, audio, tags=tags, sample_count=round(audio.sample_rate_hertz * _SECONDS))
        digest.update(encoder.feed(window) + encoder.finish())
    return digest.hexdigest()[:16]
