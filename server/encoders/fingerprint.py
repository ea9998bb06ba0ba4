"""Makes the fingerprint of the encoding: equal where the same sound would become the same bytes."""

import hashlib

import numpy as np

from model.song import SectionKind, SectionPlan, SongPlan
from server.audio.codecs.base import EncoderFactory
from server.audio.codecs.registry import FORMATS
from server.audio.tags import tags_of
from server.song import AudioSettings

_RATE_HERTZ, _SECONDS, _SEED = 48_000, 1.0, 20_240_229
_PLAN = SongPlan("", _SEED, 1, 1.0, _SECONDS, (SectionPlan(0, SectionKind.VERSE, "verse", 0.0, _SECONDS),))


def encoding_fingerprint(factory: EncoderFactory) -> str:
    """A hash of a second of fixed sound, mastered, tagged and encoded in every format."""
    rng, times = np.random.default_rng(_SEED), np.arange(round(_RATE_HERTZ * _SECONDS)) / _RATE_HERTZ
    tones = np.stack([np.sin(2 * np.pi * 220 * times), np.sin(2 * np.pi * 331 * times)])
    window = (0.4 * tones + 0.1 * rng.standard_normal(tones.shape)).astype(np.float32)
    digest, tags = hashlib.sha256(), tags_of("pop ballad", "月光照在窗台上", _PLAN)
    for name in FORMATS:
        audio = AudioSettings(format=name)
        encoder = factory(_RATE_HERTZ, audio, tags=tags, sample_count=round(audio.sample_rate_hertz * _SECONDS))
        digest.update(encoder.feed(window) + encoder.finish())
    return digest.hexdigest()[:16]
