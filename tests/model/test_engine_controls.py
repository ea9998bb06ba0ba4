"""Tests that every control which an engine claims to support changes its songs, and that every other control is refused
before a song is accepted.
"""

import io
import pickle
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from melisma.v1 import music_pb2
from model.engine import Engine, EngineInfo, Validator
from model.registry import ENGINES, load_engine, load_validator
from model.song import ALL_STEMS, Control, InvalidParams, SongParams, Voice
from server.contract.engine_options import option_paths
from server.contract.requests import song_request
from server.errors import ControlNotSupported, InvalidRequest
from tests.support.ace_step import ace_step_options, write_adapter
from tests.support.ace_step_15_checkpoint import ace_step_15_options
from tests.support.ace_step_15_checkpoint import write_adapter as write_15_adapter
from tests.support.musicgen_checkpoint import FEW_MELODY, musicgen_options

ROOT = Path(__file__).resolve().parents[2]
RATE = 44_100
LYRICS = "[verse]\n春天 1 2 3\n夜色很安静\n[chorus]\nla la la 4 5"
STEPS = {"studio": 10, "ace_step": 3, "ace_step_15": 3, "musicgen": None}
"""Number of denoising steps for each engine, small to save time; 10 is the minimum of `studio`."""


def recording() -> bytes:
    """Return a WAV file with two seconds of a sine tone and noise."""
    time = np.arange(2 * RATE) / RATE
    sound = 0.2 * np.sin(2 * np.pi * 220 * time) + 0.05 * np.random.default_rng(1).standard_normal(len(time))
    buffer = io.BytesIO()
    soundfile.write(buffer, sound.astype(np.float32), RATE, format="WAV")
    return buffer.getvalue()


AUDIO = recording()
VOCALS, DRUMS = music_pb2.TRACK_KIND_VOCALS, music_pb2.TRACK_KIND_DRUMS
NOTES = [music_pb2.AnchorNote(pitch=60 + step, length_beats=1) for step in (0, 4, 7, 4, 0)]

CONTROLS: Mapping[Control, Mapping[str, Any]] = {
    Control.STEPS: {"steps": 11},
    Control.GUIDANCE_SCALE: {"guidance_scale": 3.5},
    Control.KEY: {"key": "F# minor"},
    Control.TEMPO: {"tempo_bpm": 77.0},
    Control.ANCHOR: {"anchor": music_pb2.Anchor(notes=music_pb2.AnchorNoteList(notes=NOTES))},
    Control.STEMS: {"stems": [music_pb2.STEM_KIND_DRUMS]},
    Control.VOICE: {"voice": music_pb2.VOICE_KIND_MALE},
    Control.VOCAL_LEVEL: {"vocal_level_db": 6.0},
    Control.LANGUAGE: {"language": "en"},
    Control.AUDIO_TO_AUDIO: {"audio_to_audio": music_pb2.AudioToAudioTask(audio=AUDIO), "duration_seconds": 0},
    Control.RETAKE: {"retake": music_pb2.RetakeTask(variance=0.5)},
    Control.REPAINT: {
        "repaint": music_pb2.RepaintTask(audio=AUDIO, start_seconds=0.5, end_seconds=1.5),
        "duration_seconds": 0,
    },
    Control.EXTEND: {"extend": music_pb2.ExtendTask(audio=AUDIO, right_seconds=2), "duration_seconds": 0},
    Control.EDIT: {"edit": music_pb2.EditTask(audio=AUDIO, prompt="rock", lyrics="la"), "duration_seconds": 0},
    Control.EXTRACT_TRACK: {
        "extract_track": music_pb2.ExtractTrackTask(audio=AUDIO, track=VOCALS),
        "duration_seconds": 0,
    },
    Control.LEGO: {"lego": music_pb2.LegoTask(audio=AUDIO, track=DRUMS, start_seconds=1), "duration_seconds": 0},
    Control.COMPLETE: {"complete": music_pb2.CompleteTask(audio=AUDIO, tracks=[DRUMS]), "duration_seconds": 0},
    Control.NEGATIVE_PROMPT: {"negative_prompt": "noise"},
    Control.TIME_SIGNATURE: {"time_signature": "3/4"},
    Control.REFERENCE_AUDIO: {"reference_audio": music_pb2.ReferenceAudio(audio=AUDIO)},
}
"""Fields of GenerateRequest that use each control."""

OPTIONS: Mapping[str, Mapping[str, Any]] = {
    "ace_step.mode": {"mode": music_pb2.GENERATION_MODE_SECTIONED},
    "ace_step.sampler": {"sampler": music_pb2.SAMPLER_PINGPONG},
    "ace_step.omega": {"omega": -20.0},
    "ace_step.lora": {"lora": "rap"},
    "ace_step.lora_weight": {"lora": "rap", "lora_weight": 0.25},
    "ace_step_15.mode": {"mode": music_pb2.GENERATION_MODE_SECTIONED},
    "ace_step_15.shift": {"shift": 4.0},
    "ace_step_15.guidance_start": {"guidance_start": 0.5},
    "ace_step_15.guidance_end": {"guidance_end": 0.5},
    "ace_step_15.lora": {"lora": "rap"},
    "ace_step_15.lora_weight": {"lora": "rap", "lora_weight": 0.25},
    "musicgen.top_k": {"top_k": 2},
    "musicgen.temperature": {"temperature": 0.5},
}
"""Fields of an engine's options that set each option."""


_MESSAGES: Mapping[str, Any] = {
    "ace_step": music_pb2.AceStepOptions,
    "ace_step_15": music_pb2.AceStep15Options,
    "musicgen": music_pb2.MusicGenOptions,
}


@dataclass(frozen=True)
class Subject:
    """An engine under test, and its validator."""

    name: str
    engine: Engine
    validator: Validator

    @cached_property
    def info(self) -> EngineInfo:
        return self.engine.info()

    def asked(self, **fields: Any) -> SongParams:
        """Return the parameters of a request with the given fields, as the server parses it."""
        usual: dict[str, Any] = {"prompt": "pop", "seed": 1, "duration_seconds": 10}
        usual["lyrics"] = LYRICS if self.info.languages else ""
        usual["steps"] = STEPS[self.name]
        message = music_pb2.GenerateRequest(**usual | {"engine": self.name} | fields)
        return song_request(message, {self.name: self.info}, self.name).params

    @cache  # noqa: B019 (as long as the tests of this module)
    def song(self, params: SongParams) -> bytes:
        """Validate a request, and return the samples of its song as bytes; the song of each request is generated once
        and cached.
        """
        plan = self.validator.validate(params) or self.engine.plan(params)
        context, sound = None, b""
        for section in plan.sections:
            state = self.engine.begin(plan, section.index, self.engine.prepare(plan, section.index), context)
            while state.step < state.steps:
                self.engine.denoise([state])
            sound += b"".join(window.tobytes() for window in self.engine.render(state))
            context = self.engine.context(state)
        return sound

    def options(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        """Return the field of a request that holds the options of this engine, as a dictionary with one entry; `fields`
        are the options.
        """
        return {self.name: _MESSAGES[self.name](**fields)}


@pytest.fixture(params=list(ENGINES), scope="module")
def subject(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Subject:
    settings: dict[str, object] = {}
    if request.param == "ace_step":
        folder = tmp_path_factory.mktemp("ace_step")
        adapter = write_adapter(folder / "rap", "transformer_blocks.0.cross_attn.to_v")
        settings = ace_step_options(folder) | {"loras": {"rap": str(adapter)}}
    if request.param == "ace_step_15":
        folder = tmp_path_factory.mktemp("ace_step_15")
        write_15_adapter(folder / "loras" / "rap")
        settings = ace_step_15_options(folder) | {"loras": str(folder / "loras")}
    if request.param == "musicgen":
        settings = musicgen_options(tmp_path_factory.mktemp("musicgen"), FEW_MELODY)
    engine = load_engine(request.param, "cpu", options=settings)
    return Subject(request.param, engine, load_validator(request.param, settings))


def test_there_is_a_wish_for_every_control_and_every_option(subject: Subject) -> None:
    assert set(CONTROLS) == set(Control)
    assert set(option_paths(subject.name)) <= set(OPTIONS)


@pytest.mark.parametrize("control", Control)
def test_a_claimed_control_changes_the_song_and_another_is_refused_by_its_name(
    subject: Subject, control: Control
) -> None:
    wish = CONTROLS[control]
    if control in subject.info.controls:
        assert subject.song(subject.asked(**wish)) != subject.song(subject.asked())
        return
    with pytest.raises(ControlNotSupported) as refused:
        subject.asked(**wish)
    assert [violation.field for violation in refused.value.violations] == [control.value]


@pytest.mark.parametrize("control", Control)
def test_an_engine_itself_plans_nothing_that_it_would_ignore(subject: Subject, control: Control) -> None:
    if control in subject.info.controls:
        return
    able = replace(
        subject.info, controls=frozenset(Control), languages=("en",), stems=ALL_STEMS, voices=frozenset(Voice)
    )
    message = music_pb2.GenerateRequest(**{"prompt": "pop", "seed": 1, **CONTROLS[control]})
    params = song_request(message, {subject.name: able}, subject.name).params
    for plan in (subject.engine.plan, subject.validator.validate):
        with pytest.raises(InvalidParams) as refused:
            plan(params)
        assert [violation.field for violation in refused.value.violations] == [control.value]


@pytest.mark.parametrize("path", OPTIONS)
def test_an_option_changes_the_song_of_its_engine(subject: Subject, path: str) -> None:
    if path not in option_paths(subject.name):
        return
    seconds = 17 if path.endswith(".mode") else 10  # long enough for two sections if the test needs them
    without = {"lora": "rap"} if path.endswith(".lora_weight") else {}
    usual, other = (
        subject.song(subject.asked(duration_seconds=seconds, **subject.options(fields)))
        for fields in (without, OPTIONS[path])
    )
    assert other != usual


def test_every_language_that_is_told_is_taken_and_another_is_refused(subject: Subject) -> None:
    for language in subject.info.languages:
        subject.validator.validate(subject.asked(language=language))
    if Control.LANGUAGE not in subject.info.controls:
        return  # the request is refused because of the whole field
    for language in ("tlh", "zha", "x-none"):
        with pytest.raises(InvalidRequest) as refused:
            subject.asked(language=language)
        assert [violation.field for violation in refused.value.violations] == ["language"]


def test_a_validator_makes_the_plan_of_the_engine(subject: Subject) -> None:
    params = subject.asked()
    plan, own = pickle.loads(pickle.dumps(subject.validator.validate(params))), subject.engine.plan(params)
    assert (plan, plan.detail) == (own, own.detail)


@pytest.mark.parametrize(("name", "module"), [(name, entry.validator) for name, entry in ENGINES.items()])
def test_a_validator_needs_no_torch(name: str, module: str) -> None:
    code = f"import sys, {module.partition(':')[0]}; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, timeout=60).returncode == 0
