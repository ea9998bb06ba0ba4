"""Tests of planning songs, some of them with random lyrics, durations and tempi."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model.song import SECTION_TAGS, InvalidParams, SectionKind, SongParams, SongPlan, Voice
from model.studio.info import INFO
from model.studio.planning.plan import plan_song
from model.studio.planning.studio_detail import StudioDetail
from model.studio.style import Groove, Mode
from tests.model.studio.planning.plans import POP, SPRING, planned


def violated(**fields: object) -> set[str]:
    with pytest.raises(InvalidParams) as caught:
        planned(**fields)  # type: ignore[arg-type]
    return {violation.field for violation in caught.value.violations}


def needed_seconds(error: InvalidParams) -> float:
    return float(str(error).split("duration_seconds: these lyrics need at least ")[1].split(" s")[0])


def syllable_rates(plan: SongPlan) -> list[float]:
    return [
        len(line.syllables) / bars / (section.duration_seconds / own.bars)
        for section, own in zip(plan.sections, detail_of(plan).sections, strict=True)
        for line, bars in zip(section.lines, own.line_bars, strict=True)
    ]


def detail_of(plan: SongPlan) -> StudioDetail:
    assert isinstance(plan.detail, StudioDetail)
    return plan.detail


@pytest.mark.parametrize("seconds", [30.0, 77.0, 240.0])
def test_a_waltz_fills_its_time_in_bars_of_three(seconds: float) -> None:
    plan = planned("圆舞曲", duration_seconds=seconds)
    assert plan.tempo_bpm is not None
    assert plan.engine_samples == round(seconds * 48_000)
    assert sum(section.bars or 0 for section in plan.sections) * 3 * 60 / plan.tempo_bpm == pytest.approx(seconds)
    assert max(section.bars or 0 for section in plan.sections) <= 16
    assert (plan.sections[0].bars or 0) <= 8


@settings(max_examples=60, deadline=None)
@given(st.floats(10.0, 240.0), st.integers(0, 2**32 - 1), st.sampled_from(["pop", "slow ballad", "edm", "民谣", ""]))
def test_instrumental_lasts_exactly_as_asked(seconds: float, seed: int, prompt: str) -> None:
    plan = planned(prompt, "", seed, duration_seconds=seconds)
    assert plan.duration_seconds == pytest.approx(seconds, abs=1e-6)
    assert sum(section.duration_seconds for section in plan.sections) == pytest.approx(plan.duration_seconds)


@settings(max_examples=60, deadline=None)
@given(st.floats(20.0, 240.0), st.integers(0, 2**32 - 1))
def test_sections_hold_their_lines_and_the_first_one_is_short(seconds: float, seed: int) -> None:
    plan = planned(seed=seed, duration_seconds=seconds)
    assert (plan.sections[0].bars or 0) <= 4
    for section, own in zip(plan.sections, detail_of(plan).sections, strict=True):
        assert 1 <= own.bars <= 16
        assert len(own.line_bars) == len(section.lines)
        assert sum(own.line_bars) <= own.bars


@given(st.floats(50.0, 180.0))
@settings(max_examples=30, deadline=None)
def test_a_given_tempo_is_kept_and_the_duration_honoured_within_a_bar(tempo: float) -> None:
    plan = planned(lyrics="", duration_seconds=60.0, tempo_bpm=tempo)
    assert plan.tempo_bpm == tempo
    assert abs(plan.duration_seconds - 60.0) <= 240.0 / tempo


def test_same_parameters_give_the_same_plan() -> None:
    assert planned(duration_seconds=60.0) == planned(duration_seconds=60.0)


def test_the_first_song_sings_every_line_and_repeats_its_chorus() -> None:
    plan = planned(duration_seconds=60.0)
    assert {line.text for section in plan.sections for line in section.lines} == set(SPRING.split("\n")[1:3]) | set(
        SPRING.split("\n")[5:]
    )
    assert [section.kind for section in plan.sections].count(SectionKind.CHORUS) == 2
    assert plan.sections[-1].kind is SectionKind.OUTRO


def test_a_minute_of_two_couplets_has_room_for_both_again() -> None:
    labels = [section.label for section in planned(duration_seconds=60.0).sections]
    assert labels == ["intro", "verse", "chorus", "inst", "verse 2", "chorus 2", "outro"]


@pytest.mark.parametrize("seed", range(10))
def test_lines_of_a_slow_ballad_take_about_four_seconds(seed: int) -> None:
    plan = planned("slow ballad", seed=seed, duration_seconds=60.0)
    for section, own in zip(plan.sections, detail_of(plan).sections, strict=True):
        bar_seconds = section.duration_seconds / own.bars
        assert all(3.2 <= bars * bar_seconds <= 4.5 for bars in own.line_bars)


@pytest.mark.parametrize(("lyrics", "seconds"), [("春天\n花开", 240.0), (SPRING, 10.0), ("", 10.0)])
def test_short_and_long_extremes_are_filled_exactly(lyrics: str, seconds: float) -> None:
    plan = planned(lyrics=lyrics, duration_seconds=seconds)
    assert plan.duration_seconds == pytest.approx(seconds, abs=1e-6)
    assert sum(len(section.lines) for section in plan.sections) >= len(lyrics.splitlines()) // 2


@pytest.mark.parametrize(
    ("lyrics", "shortest", "longest"),
    [
        (SPRING, 40.0, 80.0),
        ("", 40.0, 80.0),
        ("[verse]\n春天\n[bridge]\n[outro]\n花开", 30.0, 35.0),
        ("你好", 10.0, 13.0),
        ("春天\n花开", 20.0, 23.0),
    ],
)
@pytest.mark.parametrize("seed", range(3))
def test_without_a_duration_the_song_takes_the_time_it_needs(
    lyrics: str, shortest: float, longest: float, seed: int
) -> None:
    assert shortest <= planned(lyrics=lyrics, seed=seed).duration_seconds <= longest


def test_prompt_of_the_first_song_is_upbeat_major_pop() -> None:
    plan = planned(duration_seconds=60.0)
    style = detail_of(plan).style
    assert style.groove is Groove.POP
    assert style.mode is Mode.MAJOR
    assert 95.0 <= (plan.tempo_bpm or 0.0) <= 122.0


@pytest.mark.parametrize("prompt", [POP, "slow ballad", "edm", "pop 97 bpm"])
@pytest.mark.parametrize("line", ["春天醒来花就开", "hold on to me and never let me go again", "啦"])
def test_too_much_text_names_the_shortest_duration_for_all_seeds(prompt: str, line: str) -> None:
    lyrics = "[verse]\n" + f"{line}\n" * 20

    def needed(seconds: float, seed: int) -> float:
        with pytest.raises(InvalidParams, match="at least") as caught:
            planned(prompt, lyrics, seed, duration_seconds=seconds)
        return needed_seconds(caught.value)

    (shortest,) = {needed(11.5, seed) for seed in range(12)}
    for seed in range(12):
        assert planned(prompt, lyrics, seed, duration_seconds=shortest).duration_seconds == pytest.approx(
            shortest, abs=2.0
        )
        assert needed(shortest - 1.0, seed) == shortest


_LINE = st.integers(1, 40).map(lambda count: "啦" * count)
_LYRICS = st.lists(_LINE | st.sampled_from([f"[{kind}]" for kind in SECTION_TAGS]), max_size=20).map("\n".join)
_PROMPTS = st.sampled_from([POP, "slow ballad", "edm", "ambient", "摇滚 150bpm", "伤感"])


@settings(max_examples=100, deadline=None)
@given(_LYRICS, st.none() | st.floats(10.0, 240.0), st.none() | st.floats(50.0, 180.0), _PROMPTS)
def test_any_lyrics_are_sung_whole_and_singably_or_a_duration_that_works_is_named(
    lyrics: str, seconds: float | None, tempo_bpm: float | None, prompt: str
) -> None:
    try:
        plan = planned(prompt, lyrics, duration_seconds=seconds, tempo_bpm=tempo_bpm)
    except InvalidParams as error:
        plan = planned(prompt, lyrics, duration_seconds=needed_seconds(error), tempo_bpm=tempo_bpm)
    assert plan.duration_seconds <= 240.0 + 1e-6
    assert sum(len(line.syllables) for section in plan.sections for line in section.lines) >= lyrics.count("啦")
    assert max(syllable_rates(plan), default=0.0) <= 7.0


RAP = "[verse]\n" + 4 * (
    "我从城市的边缘走到舞台中央没人看见我流过的汗\n凌晨三点半的录音棚里灯还亮着键盘敲到手软\n"
    "他们说梦想不能当饭吃我说没有梦想怎么算活着\nMoney fame and everything 都不如兄弟一句还在坚持着\n"
)
NURSERY_RHYME = "两只老虎，两只老虎\n跑得快，跑得快\n一只没有耳朵\n一只没有尾巴\n真奇怪，真奇怪"
TANG_POEM = "床前明月光\n疑是地上霜\n举头望明月\n低头思故乡"
TWO_LANGUAGES = "走在street上 feeling so lonely\n你说baby don't cry 我却忘不了你\n[chorus]\nOh I love you 直到世界尽头"


@pytest.mark.parametrize(
    ("prompt", "lyrics", "slowest", "fastest"),
    [
        ("children's song", NURSERY_RHYME, 1.0, 4.0),
        ("Chinese folk", TANG_POEM, 1.0, 4.0),
        ("pop", TWO_LANGUAGES, 1.0, 4.0),
        ("hip hop, rap", RAP, 3.0, 6.0),
    ],
)
def test_lyrics_of_many_kinds_are_sung_whole_at_their_own_pace(
    prompt: str, lyrics: str, slowest: float, fastest: float
) -> None:
    plan = planned(prompt, lyrics)
    sung = {line.text for section in plan.sections for line in section.lines}
    assert sung == {line for line in lyrics.splitlines() if line and not line.startswith("[")}
    assert all(slowest <= rate <= fastest for rate in syllable_rates(plan))


def test_a_rap_is_refused_only_where_it_cannot_be_said() -> None:
    assert max(syllable_rates(planned("rap", RAP, duration_seconds=90.0))) <= 7.0
    assert violated(prompt="rap", lyrics=RAP, duration_seconds=40.0) == {"duration_seconds"}


def test_more_short_lines_than_a_song_has_bars_are_sung_together() -> None:
    plan = planned(lyrics="春天\n花开\n" * 80)
    assert sum(len(line.syllables) for section in plan.sections for line in section.lines) >= 320
    assert plan.sections[1].lines[0].text == "春天, 花开, 春天, 花开"
    assert "lyrics: short lines are sung together, since there are too many for one song" in plan.notes


def test_lyrics_that_no_duration_holds_are_refused_as_lyrics() -> None:
    assert violated(lyrics="啦啦啦啦啦啦啦啦啦啦\n" * 170, tempo_bpm=60.0, duration_seconds=60.0) == {"lyrics"}


@pytest.mark.parametrize(
    ("fields", "field"),
    [({"key": "H moll"}, "key"), ({"tempo_bpm": 300.0}, "tempo_bpm"), ({"steps": 5}, "steps")],
)
def test_controls_out_of_range_are_refused(fields: dict[str, object], field: str) -> None:
    assert violated(duration_seconds=60.0, **fields) == {field}


@pytest.mark.parametrize("key", ["C major", "F# minor", "Am"])
def test_a_given_key_is_used(key: str) -> None:
    minor = key.endswith(("minor", "Am"))
    assert detail_of(planned(duration_seconds=60.0, key=key)).minor is minor


def test_a_woman_sings_unless_a_man_is_asked_for() -> None:
    assert planned().voice is Voice.FEMALE
    assert planned(voice=Voice.MALE).voice is Voice.MALE


def test_nobody_sings_an_instrumental() -> None:
    assert planned(lyrics="", voice=Voice.MALE).voice is None


def test_the_voice_changes_nothing_else() -> None:
    assert replace(planned(voice=Voice.MALE), voice=Voice.FEMALE) == planned()


def test_a_sad_song_is_planned_in_a_lower_key_than_a_funny_one() -> None:
    def transposes(prompt: str) -> list[int]:
        details = [plan_song(SongParams(prompt, "", seed), INFO).detail for seed in range(12)]
        return [detail.transpose for detail in details if isinstance(detail, StudioDetail)]

    assert max(transposes("sad pop")) < max(transposes("funny pop"))
    assert min(transposes("sad pop")) < min(transposes("funny pop"))
