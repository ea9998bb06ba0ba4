"""Computes the sound fingerprint of an engine: a hash of a test song, equal on devices that make identical sound."""

import hashlib
import json

import numpy as np

from model.engine import Engine
from model.song import SongParams

_SECONDS = 1.0
_SONG = SongParams(
    prompt="pop ballad, female voice, piano, drums and strings",
    lyrics="[verse]\n月光照在窗台上\n照亮回家的路",
    seed=20_240_229,
)
_TOUCHES = 2
"""Minimum number of windows (stretches of sound rendered at once) of the test song that are hashed, so that the hash
also depends on data that the engine carries from one window to the next.
"""


def sound_fingerprint(engine: Engine, name: str, device: str) -> str:
    """Return the sound fingerprint of an engine on a device: a hash of the first second of a fixed song.

    The hash does not depend on the version of the server. Processors and libraries that round differently give another
    hash. Raises the engine's errors.
    """
    info = engine.info()
    shortest, _ = info.duration_seconds
    params = SongParams(_SONG.prompt, _SONG.lyrics, _SONG.seed, duration_seconds=max(shortest, _SECONDS))
    digest = hashlib.sha256(json.dumps([name, device.partition(":")[0], info.sample_rate_hertz, info.loras]).encode())
    plan = engine.plan(params)
    conditions = engine.prepare(plan, 0)
    state = engine.begin(plan, 0, conditions, None)
    while state.step < state.steps:
        engine.denoise([state])
    samples = 0
    for count, window in enumerate(engine.render(state), start=1):
        digest.update(window.astype(np.float32, copy=False).tobytes())
        samples += window.shape[1]
        if samples >= _SECONDS * info.sample_rate_hertz and count >= _TOUCHES:
            break
    return digest.hexdigest()[:16]
