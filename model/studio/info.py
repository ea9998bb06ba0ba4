"""The facts of the studio engine that callers and plans rely on."""

from model.engine import EngineInfo
from model.song import ALL_STEMS, Control, Voice

SAMPLE_RATE_HERTZ = 48_000

INFO = EngineInfo(
    name="studio",
    description="Symbolic score diffusion, sung by a recorded voice and played by sampled instruments; runs on a CPU.",
    languages=("zh", "en"),
    sample_rate_hertz=SAMPLE_RATE_HERTZ,
    duration_seconds=(10.0, 240.0),
    steps=(10, 100),
    default_steps=12,
    guidance_scale=(1.0, 4.0),
    default_guidance_scale=1.5,
    controls=frozenset(Control),
    stems=ALL_STEMS,
    voices=frozenset(Voice),
)
