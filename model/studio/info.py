"""Defines the properties of the studio engine that callers see, such as its name, its licence and the ranges of its
parameters.
"""

from model.engine import EngineInfo
from model.shared.licences import Licence, expression_of, spdx, urls_of
from model.song import ALL_STEMS, Control, Voice

SAMPLE_RATE_HERTZ = 48_000

LICENCES = (
    spdx("MIT"),
    Licence("LicenseRef-CC-BY-SA", "https://creativecommons.org/licenses/by-sa/"),
    spdx("BSD-2-Clause"),
    spdx("Apache-2.0"),
    Licence("LicenseRef-CMU-ARCTIC"),  # its terms are in english_voice/recordings/LICENSE.txt
)
"""Licences of the instruments and the training data, the voice (CC BY-SA without a version), the pronunciations, the
characters, and the voice for English; see THIRD_PARTY.md.
"""

ATTRIBUTION = (
    "Voice adapted from audio-cmn (github.com/hugolpz/audio-cmn), recorded by Chen Wang, licence CC BY-SA. "
    "Instruments from FluidR3Mono, copyright (c) 2000-2002, 2008 Frank Wen, (c) 2014-2017 Michael Cowgill, "
    "(c) 2002 Ethan Winer, (c) 2016 Michael Schorsch, licence MIT."
)

CONTROLS = frozenset(
    {
        Control.STEPS,
        Control.GUIDANCE_SCALE,
        Control.KEY,
        Control.TEMPO,
        Control.ANCHOR,
        Control.STEMS,
        Control.VOICE,
        Control.VOCAL_LEVEL,
        Control.LANGUAGE,
    }
)
"""The optional request fields that change a song of this engine. Fields with a recording are not among them, because
this engine composes notes.
"""

INFO = EngineInfo(
    name="studio",
    description="Symbolic score diffusion, sung by a recorded voice and played by sampled instruments; runs on a CPU.",
    languages=("zh", "en"),
    license=expression_of(LICENCES),
    license_urls=urls_of(LICENCES),
    commercial_use_allowed=True,
    attribution=ATTRIBUTION,
    sample_rate_hertz=SAMPLE_RATE_HERTZ,
    channels=2,
    duration_seconds=(10.0, 240.0),
    steps=(10, 100),
    default_steps=12,
    guidance_scale=(1.0, 4.0),
    default_guidance_scale=1.5,
    controls=CONTROLS,
    stems=ALL_STEMS,
    voices=frozenset(Voice),
)
