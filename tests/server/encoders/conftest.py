from pathlib import Path

import pytest

from server.workers.ray.node import device_lock
from tests.support.encoders.kinds import ClusterEncoders, EncoderKind, InProcessEncoders, ProcessEncoders

KINDS: dict[str, EncoderKind] = {
    "processes": ProcessEncoders(),
    "cluster": ClusterEncoders(),
    "in process": InProcessEncoders(),
}


@pytest.fixture(params=KINDS.values(), ids=[*KINDS])
def kind(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> EncoderKind:
    monkeypatch.setattr(device_lock, "default_folder", lambda: tmp_path)
    made: EncoderKind = request.param
    return made
