from functools import cache

import pytest

from model.song import AnchorNote, SectionKind, SongParams, SongPlan
from model.studio.composing.denoiser import ScoreDenoiser
from model.studio.composing.section_spec import Memory
from model.studio.info import INFO
from model.studio.notation.score import Score
from model.studio.planning.hook import quotation
from model.studio.planning.plan import plan_song
from model.studio.planning.section_spec import section_seed, section_spec
from model.studio.planning.studio_detail import StudioDetail, detail_of

SONG = (
    "[verse]\n春天醒来花就开\n脚步轻轻不怕失败\n[chorus]\n我要飞向那片海\n心随阳光一起澎湃\n让风带走所有等待\n我们的歌\n"
    "[inst]\n[chorus]\n我要飞向那片海\n心随阳光一起澎湃\n让风带走所有等待\n我们的歌\n"
)


def _plan(lyrics: str = SONG, **changes: object) -> SongPlan:
    return plan_song(SongParams("pop", lyrics, 3, steps=10, **changes), INFO)  # type: ignore[arg-type]


@cache
def written() -> list[tuple[SectionKind, Score]]:
    """Return the kind of each section of the test song and its score, as the denoiser composes it, transposed to C
    major.
    """
    plan, denoiser, memory = _plan(), ScoreDenoiser.load(), Memory()
    scores = []
    for section in plan.sections:
        seed = section_seed(plan.seed, section.index)
        state = denoiser.begin(section_spec(plan, section.index), memory, seed=seed, steps=10, guidance_scale=1.5)
        while state.step < state.steps:
            denoiser.denoise([state])
        score, memory = denoiser.finish(state)
        scores.append((section.kind, score.transposed(-section_spec(plan, section.index).transpose)))
    return scores


def _tune(score: Score, steps: int) -> list[tuple[int, int]]:
    return [(note.start, note.pitch) for note in score.melody if note.start < steps]


def _quoted_steps(bars: int) -> int:
    """Return the number of steps from the start of the chorus to the end of its last line that ends within its first
    `bars` bars.
    """
    chorus = next(section for section in _plan().sections if section.kind is SectionKind.CHORUS)
    return max(stop for _, stop in section_spec(_plan(), chorus.index).line_spans() if stop <= 16 * bars)


def _first(kind: SectionKind) -> Score:
    return next(score for known, score in written() if known is kind)


def test_the_intro_plays_what_the_chorus_sings() -> None:
    intro, chorus = _first(SectionKind.INTRO), _first(SectionKind.CHORUS)
    bars = sum(section_spec(_plan(), 0).line_bars)
    assert bars >= 2
    steps = _quoted_steps(bars)
    assert _tune(intro, steps) == _tune(chorus, steps)
    assert {note.syllable for note in intro.melody} == {None}
    assert chorus.melody[0].syllable == 0


def test_an_interlude_begins_with_the_chorus_and_goes_on_alone() -> None:
    inst, chorus = _first(SectionKind.INST), _first(SectionKind.CHORUS)
    half = _quoted_steps(inst.bars // 2)
    assert _tune(inst, half) == _tune(chorus, half)
    assert _tune(inst, 16 * inst.bars) != _tune(chorus, 16 * inst.bars)


def test_the_chorus_comes_back_as_it_was() -> None:
    first, last = (score for kind, score in written() if kind is SectionKind.CHORUS)
    assert first.melody == last.melody


@pytest.mark.parametrize(
    "plan",
    [
        _plan("[verse]\n春天醒来花就开\n"),
        _plan(""),
        _plan(anchor=(AnchorNote(64, 1.0), AnchorNote(67, 2.0))),
    ],
    ids=["no chorus", "no words", "the caller's melody"],
)
def test_some_songs_have_nothing_to_quote(plan: SongPlan) -> None:
    assert isinstance(plan.detail, StudioDetail)
    assert [quotation(plan, plan.detail, index) for index in range(len(plan.sections))] == [None] * len(plan.sections)


def test_tunes_follow_the_tones_that_are_sung() -> None:
    plan = _plan("[chorus]\n我想你\n一切美好\n[inst]\n[chorus]\n我想你\n一切美好\n")
    sung = ((3, 2, 3), (2, 4, 2, 3))
    chorus = next(section for section in plan.sections if section.lines)
    assert [[syllable.tone for syllable in line.syllables] for line in chorus.lines] == [[3, 3, 3], [1, 4, 3, 3]]
    assert section_spec(plan, chorus.index).lines == sung[: len(chorus.lines)]
    quotations = [quotation(plan, detail_of(plan), section.index) for section in plan.sections]
    quoted = [found.lines for found in quotations if found]
    assert quoted
    assert all(lines == sung[: len(lines)] for lines in quoted)
