from dataclasses import replace

import numpy as np
import pytest

from model.song import SectionKind
from model.studio.composing.conditions import Hint
from model.studio.composing.decisions.lines import choose_lines, set_rhythm_hints
from model.studio.composing.decisions.melody_bias import FORBIDDEN, class_bias
from model.studio.composing.section_layout import lay_out
from model.studio.composing.section_spec import Memory, SectionSpec
from model.studio.composing.tokens import FIRST_PITCH, HOLD, LOWEST, REST

VERSE = SectionSpec(SectionKind.VERSE, 4, ((1,) * 7, (2,) * 5), (2, 2))


@pytest.mark.parametrize("transpose", [-3, 0, 4])
def test_fixed_rhythm_and_the_range_of_a_voice_leave_only_what_is_allowed(transpose: int) -> None:
    spec = replace(VERSE, transpose=transpose)
    layout = lay_out(spec, Memory())
    set_rhythm_hints(layout, choose_lines(spec, layout, Memory(), np.full(spec.steps, 0.3), np.full(spec.steps, 0.5)))
    allowed = class_bias(spec, layout, Memory())[layout.section].reshape(VERSE.steps, -1) >= 0
    hints = layout.hint[layout.section].reshape(-1)
    for hint, row in zip(hints.tolist(), allowed, strict=True):
        assert row[REST] == (hint == Hint.REST)
        assert row[HOLD] == (hint == Hint.HOLD)
    home = np.flatnonzero(
        (class_bias(spec, layout, Memory())[layout.section].reshape(VERSE.steps, -1) > FORBIDDEN)[
            hints == Hint.ONSET
        ].any(0)
    )
    pitches = home - FIRST_PITCH + LOWEST + transpose
    assert (pitches.min(), pitches.max()) == (55, 72)
