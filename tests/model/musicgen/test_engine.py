"""Tests of MusicGen that the common tests of all engines do not contain: songs that are generated together, sections,
refused requests, memory and licences. The weights are random.
"""

import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from model.engine import EngineUnavailable
from model.musicgen.engine import MusicGenEngine
from model.musicgen.loading import check
from model.musicgen.loading.hub import folder_of
from model.musicgen.memory import codec_bytes, section_bytes
from model.musicgen.options import MusicGenOptions
from model.musicgen.planning.sections import Divider
from model.musicgen.settings import MusicGenSettings, licence_of
from model.musicgen.states import State
from model.shared.tokens.caches import CacheShape
from model.song import AnchorNote, InvalidParams, SectionKind, SongParams
from model.tasks import AudioToAudio, Extend
from tests.support.musicgen_checkpoint import FEW_FRAMES, FEW_MELODY, musicgen_options, write_checkpoint
from tests.support.musicgen_songs import ASKED, SMALL, audio, begun, finish, params, song, spec_of

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_checkpoint(tmp_path_factory.mktemp("musicgen") / "checkpoint", FEW_FRAMES)


@pytest.fixture(scope="module")
def engine(folder: Path) -> MusicGenEngine:
    return MusicGenEngine.load("cpu", checkpoint=str(folder), section_seconds=6.0, songs=2)


@pytest.fixture(scope="module")
def melodious(tmp_path_factory: pytest.TempPathFactory) -> MusicGenEngine:
    return MusicGenEngine.load("cpu", **musicgen_options(tmp_path_factory.mktemp("melody"), FEW_MELODY))


def test_songs_that_join_leave_and_wait_are_the_same_to_the_byte(engine: MusicGenEngine) -> None:
    plans = [engine.plan(asked) for asked in ASKED]
    alone = [song(engine, plan) for plan in plans]
    assert len(set(alone)) == len(alone)
    together = [b""] * len(plans)
    going: dict[int, tuple[int, State]] = {}
    joining, turn = list(range(len(plans))), 0
    while going or joining:
        if joining:
            number = joining.pop(0)
            going[number] = (0, begun(engine, plans[number], 0, None))
        turn += 1
        # There are more songs than seats (places in the shared buffers); in each turn another song is not advanced.
        going_on = [state for place, (_, state) in enumerate(going.values()) if (place + turn) % 4 or len(going) == 1]
        engine.denoise(going_on)
        for number, (index, state) in list(going.items()):
            if state.step < state.steps:
                continue
            together[number] += b"".join(window.tobytes() for window in engine.render(state))
            del going[number]
            if index + 1 < len(plans[number].sections):
                going[number] = (index + 1, begun(engine, plans[number], index + 1, engine.context(state)))
    assert [len(sound) for sound in together] == [len(sound) for sound in alone]
    assert together == alone


_IN_A_NEW_PROCESS = """
import pickle, sys
from pathlib import Path
import torch
torch.set_num_threads(1)
from model.musicgen.engine import MusicGenEngine

folder = Path(sys.argv[1])
engine = MusicGenEngine.load("cpu", checkpoint=sys.argv[2], section_seconds=6.0, songs=2)
for number, asked in pickle.loads((folder / "asked").read_bytes()):
    plan = engine.plan(asked)
    context = engine.restore(plan, 0, (folder / f"{number}.context").read_bytes())
    state, sound = engine.restore_section(plan, 1, (folder / f"{number}.section").read_bytes(), context), b""
    for index in range(1, len(plan.sections)):
        if index > 1:
            state = engine.begin(plan, index, engine.prepare(plan, index), context)
        while state.step < state.steps:
            engine.denoise([state])
        sound += b"".join(window.tobytes() for window in engine.render(state))
        context = engine.context(state)
    (folder / f"{number}.sound").write_bytes(sound)
"""


@pytest.mark.engines
def test_a_new_process_continues_with_the_same_bytes(engine: MusicGenEngine, folder: Path, tmp_path: Path) -> None:
    expected, numbers = {}, (0, 3)
    for number in numbers:
        plan = engine.plan(ASKED[number])
        first = begun(engine, plan, 0, None)
        finish(engine, first)
        heard = sum(window.nbytes for window in engine.render(first))
        second = begun(engine, plan, 1, engine.context(first))
        finish(engine, second)
        (tmp_path / f"{number}.context").write_bytes(engine.save(first))
        (tmp_path / f"{number}.section").write_bytes(engine.save_section(second))
        expected[number] = song(engine, plan)[heard:]
    (tmp_path / "asked").write_bytes(pickle.dumps([(number, ASKED[number]) for number in numbers]))
    subprocess.run([sys.executable, "-c", _IN_A_NEW_PROCESS, tmp_path, folder], cwd=ROOT, check=True, timeout=120)
    for number, sound in expected.items():
        assert (tmp_path / f"{number}.sound").read_bytes() == sound


def test_songs_without_shared_steps_are_the_same(engine: MusicGenEngine, folder: Path) -> None:
    assert engine._core.shared
    apart = MusicGenEngine.load("cpu", checkpoint=str(folder), section_seconds=6.0, shared_steps="off")
    assert not apart._core.shared
    # Kernels may sum in another order if a pass has fewer rows; the most probable tokens hardly change.
    plan = engine.plan(params(9.0, options=MusicGenOptions(top_k=1)))
    shared, alone = (np.frombuffer(song(each, plan), np.float32) for each in (engine, apart))
    np.testing.assert_allclose(alone, shared, rtol=0, atol=1e-4)


def test_beyond_half_a_minute_a_section_is_made_from_those_before_it(engine: MusicGenEngine) -> None:
    plan = engine.plan(params(60.0))
    spec = spec_of(engine, params(60.0))
    assert [section.window for section in spec.sections[:3]] == [0, 0, 0]
    assert all(section.known - section.window <= 30 for section in spec.sections)
    assert spec.sections[-1].window == 30
    assert sum(section.ticks for section in spec.sections) == 60 + 3
    (note,) = plan.notes
    assert "30 s at once" in note
    assert engine.plan(params(30.0)).notes == ()
    assert {section.kind for section in plan.sections} == {SectionKind.INST}
    assert engine.plan(params(5.0)).sections[0].kind is SectionKind.SONG


def test_sections_are_divided_for_the_released_sizes() -> None:
    sections = Divider(SMALL, 10.0, 10).sections(0, 1500)
    assert [(section.window, section.end, section.known) for section in sections] == [
        (0, 500, 504), (0, 1000, 1004), (0, 1500, 1500),
    ]  # fmt: skip
    assert [section.ticks for section in sections] == [507, 500, 496]
    assert {section.steps for section in sections} == {51}
    assert SMALL.codec.ahead == 4
    assert Divider(SMALL, 10.0, 10).sections(0, 3000)[-1].window == 1500
    for new in range(1, 60):
        for given in (0, 7):
            divided = Divider(SMALL, 1.0, 10).sections(given, given + new)
            assert divided[-1].end == divided[-1].known == given + new
            assert all(section.ticks >= section.steps >= 1 for section in divided)


def test_what_the_model_is_told(engine: MusicGenEngine) -> None:
    spec = spec_of(engine, params(prompt="Slow jazz.", tempo_bpm=104.6, key="C major"))
    assert spec.text == "Slow jazz. bpm: 105. key: C major"
    assert (spec.guidance, spec.top_k, spec.temperature) == (3.0, 250, 1.0)
    assert "may not follow them exactly" in engine.plan(params(tempo_bpm=104.6)).notes[0]
    assert "English" in engine.plan(params(prompt="钢琴")).notes[0]
    assert engine.plan(params(prompt="café piano, 90s")).notes == ()
    assert engine.plan(params(None)).duration_seconds == 30.0


def test_faults_name_their_field(engine: MusicGenEngine, melodious: MusicGenEngine) -> None:
    notes = (AnchorNote(60, 1.0),)
    table: tuple[tuple[MusicGenEngine, str, SongParams], ...] = (
        (engine, "lyrics", SongParams("pop", "[verse]\n春天", 1)),
        (engine, "prompt", params(prompt="a very long prompt " * 20)),
        (engine, "anchor", params(anchor=notes)),
        (engine, "audio_to_audio", params(None, task=AudioToAudio(audio()))),
        (engine, "steps", params(steps=10)),
        (engine, "duration_seconds", params(10.0, task=Extend(audio(), 0.0, 1.0))),
        (engine, "extend.audio", params(None, task=Extend(b"no sound", 0.0, 1.0))),
        (engine, "extend.left_seconds", params(None, task=Extend(audio(), 1.0, 1.0))),
        (engine, "extend.right_seconds", params(None, task=Extend(audio(), 0.0, 238.0))),
        (melodious, "anchor", params(None, anchor=notes, task=AudioToAudio(audio()))),
    )
    for one, field, asked in table:
        with pytest.raises(InvalidParams) as refused:
            one.plan(asked)
        assert [violation.field for violation in refused.value.violations] == [field]


def test_the_memory_of_a_section_is_counted(engine: MusicGenEngine) -> None:
    own, text = CacheShape(24, 16, 64, 1504), CacheShape(24, 16, 64, 20)
    guided, alone = (section_bytes(SMALL, own, text, rows, 10, torch.bfloat16) for rows in (2, 1))
    assert guided - alone == 2 * 24 * 1024 * 1504 * 2
    assert 0.05e9 < codec_bytes(SMALL.codec, 1) < 1e9
    plan = engine.plan(params())
    assert engine.prepare(plan, 0).memory_bytes > 2 * engine._core.seats.own.shape.row_bytes(torch.float32)


def test_released_weights_need_the_consent_of_the_operator(engine: MusicGenEngine, folder: Path) -> None:
    with pytest.raises(EngineUnavailable, match=r"CC-BY-NC-4\.0.*forbids commercial use.*'accept_licence'"):
        folder_of(MusicGenSettings())
    with pytest.raises(EngineUnavailable, match=r"CC-BY-NC-4\.0"):
        folder_of(MusicGenSettings(checkpoint="facebook/musicgen-stereo-large", accept_licence="MIT"))
    assert engine.info().license == "LicenseRef-other-checkpoint"
    copied = MusicGenSettings(checkpoint=str(folder), accept_licence="CC-BY-NC-4.0")
    assert folder_of(copied) == folder
    assert licence_of(copied).name == "CC-BY-NC-4.0"


def test_the_check_tells_whether_a_folder_can_be_loaded(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert check.main([str(folder)]) == 0
    assert "(mono, 1 layer of 32) can be loaded" in capsys.readouterr().out
    assert check.main([str(tmp_path)]) == 1
    assert "is missing" in capsys.readouterr().err
    assert check.main([]) == 2
    with pytest.raises(EngineUnavailable, match="is missing"):
        MusicGenEngine.load("cpu", checkpoint=str(tmp_path))
