from dataclasses import fields

import pytest

from melisma.v1 import music_pb2
from melisma_client import (
    AceStep15Options,
    AceStepOptions,
    AnchorNote,
    AudioToAudioTask,
    CompleteTask,
    EditTask,
    ExtendTask,
    ExtractTrackTask,
    GenerationMode,
    LegoTask,
    MusicGenOptions,
    RepaintTask,
    RetakeTask,
    Sampler,
    SongRequest,
    StemKind,
    Task,
    TrackKind,
    VoiceKind,
)


def test_what_is_not_said_is_left_to_the_server() -> None:
    message = SongRequest(prompt="pop").to_proto()
    assert not message.HasField("seed")
    assert not message.HasField("steps")
    assert not message.HasField("anchor")
    assert not message.HasField("mastering")
    assert message.WhichOneof("engine_options") is None


def test_a_seed_of_zero_is_said() -> None:
    assert SongRequest(seed=0).to_proto().HasField("seed")


@pytest.mark.parametrize("stem", StemKind)
def test_every_stem_has_its_number_in_the_contract(stem: StemKind) -> None:
    (number,) = SongRequest(stems=[stem]).to_proto().stems
    assert music_pb2.StemKind.Name(number) == f"STEM_KIND_{stem.name}"


def test_stems_of_client_and_contract_are_the_same() -> None:
    assert {f"STEM_KIND_{stem.name}" for stem in StemKind} == set(music_pb2.StemKind.keys()) - {"STEM_KIND_UNSPECIFIED"}


@pytest.mark.parametrize("voice", VoiceKind)
def test_every_voice_has_its_number_in_the_contract(voice: VoiceKind) -> None:
    assert music_pb2.VoiceKind.Name(SongRequest(voice=voice).to_proto().voice) == f"VOICE_KIND_{voice.name}"


def test_voices_of_client_and_contract_are_the_same() -> None:
    named = {f"VOICE_KIND_{voice.name}" for voice in VoiceKind}
    assert named == set(music_pb2.VoiceKind.keys()) - {"VOICE_KIND_UNSPECIFIED"}


def test_a_rest_is_pitch_zero() -> None:
    anchor = SongRequest(anchor=[AnchorNote(60, 1.0), AnchorNote(None, 0.5)]).to_proto().anchor
    assert [(note.pitch, note.length_beats) for note in anchor.notes.notes] == [(60, 1.0), (0, 0.5)]


def test_bytes_are_a_midi_anchor() -> None:
    assert SongRequest(anchor=b"MThd").to_proto().anchor.midi == b"MThd"


@pytest.mark.parametrize("mode", GenerationMode)
def test_every_mode_has_its_number_in_the_contract(mode: GenerationMode) -> None:
    options = SongRequest(engine_options=AceStepOptions(mode=mode)).to_proto().ace_step
    assert music_pb2.GenerationMode.Name(options.mode) == f"GENERATION_MODE_{mode.name}"


def test_modes_of_client_and_contract_are_the_same() -> None:
    named = {f"GENERATION_MODE_{mode.name}" for mode in GenerationMode}
    assert named == set(music_pb2.GenerationMode.keys()) - {"GENERATION_MODE_UNSPECIFIED"}


@pytest.mark.parametrize("sampler", Sampler)
def test_every_sampler_has_its_number_in_the_contract(sampler: Sampler) -> None:
    options = SongRequest(engine_options=AceStepOptions(sampler=sampler)).to_proto().ace_step
    assert music_pb2.Sampler.Name(options.sampler) == f"SAMPLER_{sampler.name}"


def test_samplers_of_client_and_contract_are_the_same() -> None:
    named = {f"SAMPLER_{sampler.name}" for sampler in Sampler}
    assert named == set(music_pb2.Sampler.keys()) - {"SAMPLER_UNSPECIFIED"}


def test_options_of_an_engine_arrive_with_all_their_fields() -> None:
    options = AceStepOptions(GenerationMode.SECTIONED, Sampler.PINGPONG, -1.5, "rap", 0.25)
    message = SongRequest(engine_options=options).to_proto()
    assert message.WhichOneof("engine_options") == "ace_step"
    assert message.ace_step == music_pb2.AceStepOptions(
        mode=music_pb2.GENERATION_MODE_SECTIONED,
        sampler=music_pb2.SAMPLER_PINGPONG,
        omega=-1.5,
        lora="rap",
        lora_weight=0.25,
    )
    assert {field.name for field, _ in message.ace_step.ListFields()} == {field.name for field in fields(options)}


def test_fields_of_the_options_are_the_same_in_client_and_contract() -> None:
    for options, message in (
        (AceStepOptions, music_pb2.AceStepOptions),
        (MusicGenOptions, music_pb2.MusicGenOptions),
    ):
        assert {field.name for field in fields(options)} == {field.name for field in message.DESCRIPTOR.fields}


def test_options_of_musicgen_arrive() -> None:
    message = SongRequest(engine_options=MusicGenOptions(top_k=7, temperature=0.5)).to_proto()
    assert message.WhichOneof("engine_options") == "musicgen"
    assert message.musicgen == music_pb2.MusicGenOptions(top_k=7, temperature=0.5)


def test_options_of_ace_step_15_arrive_with_all_their_fields() -> None:
    options = AceStep15Options(GenerationMode.SECTIONED, 2.0, 0.0, 0.5, "rap", 0.0)
    message = SongRequest(engine_options=options).to_proto()
    assert message.WhichOneof("engine_options") == "ace_step_15"
    told = {field.name: value for field, value in message.ace_step_15.ListFields()}
    assert told == {
        "mode": music_pb2.GENERATION_MODE_SECTIONED,
        "shift": 2.0,
        "guidance_start": 0.0,
        "guidance_end": 0.5,
        "lora": "rap",
        "lora_weight": 0.0,
    }
    contract = {field.name for field in music_pb2.AceStep15Options.DESCRIPTOR.fields}
    assert told.keys() == contract == {field.name for field in fields(AceStep15Options)}


def test_tracks_of_client_and_contract_are_the_same() -> None:
    message = SongRequest(task=CompleteTask(b"a", tuple(TrackKind))).to_proto()
    named = [music_pb2.TrackKind.Name(number) for number in message.complete.tracks]
    assert named == [f"TRACK_KIND_{track.name}" for track in TrackKind]
    assert set(named) == set(music_pb2.TrackKind.keys()) - {"TRACK_KIND_UNSPECIFIED"}


def test_options_of_zero_are_said() -> None:
    options = SongRequest(engine_options=AceStepOptions(omega=0.0, lora_weight=0.0)).to_proto().ace_step
    assert {field.name for field, _ in options.ListFields()} == {"omega", "lora_weight"}


def test_options_that_leave_everything_to_the_engine_choose_it() -> None:
    message = SongRequest(engine_options=AceStepOptions()).to_proto()
    assert message.WhichOneof("engine_options") == "ace_step"
    assert message.ace_step == music_pb2.AceStepOptions()


TASKS: dict[str, Task] = {
    "audio_to_audio": AudioToAudioTask(b"a", 0.5),
    "retake": RetakeTask(0.5, 1),
    "repaint": RepaintTask(b"a", 1.0, 2.0, 0.5, 1),
    "extend": ExtendTask(b"a", 1.0, 2.0, 1),
    "edit": EditTask(b"a", "p", "l", 0.1, 0.9, 2, 1),
    "extract_track": ExtractTrackTask(b"a", TrackKind.VOCALS),
    "lego": LegoTask(b"a", TrackKind.DRUMS, 1.0, 2.0),
    "complete": CompleteTask(b"a", [TrackKind.DRUMS]),
}


@pytest.mark.parametrize("name", TASKS)
def test_every_task_arrives_with_all_its_fields(name: str) -> None:
    message = SongRequest(task=TASKS[name]).to_proto()
    assert message.WhichOneof("task") == name
    task = getattr(message, name)
    assert {field.name for field, _ in task.ListFields()} == {field.name for field in task.DESCRIPTOR.fields}
    assert name == "retake" or (task.WhichOneof("source"), task.audio) == ("audio", b"a")


def test_every_field_of_the_contract_can_be_asked_for() -> None:
    full = SongRequest(
        prompt="p",
        lyrics="l",
        duration_seconds=30,
        engine="studio",
        seed=1,
        steps=20,
        guidance_scale=2,
        key="Am",
        tempo_bpm=90,
        anchor=b"x",
        stems=[StemKind.DRUMS],
        voice=VoiceKind.FEMALE,
        vocal_level_db=3,
        bitrate_kbps=128,
        sample_rate_hertz=48000,
        target_lufs=-12,
        request_id="id",
        language="zh",
        engine_options=AceStepOptions(omega=0),
        task=TASKS["edit"],
        negative_prompt="noise",
        time_signature="3/4",
        reference_audio=b"a",
    ).to_proto()
    assert full.reference_audio.audio == b"a"
    tasks = {field.name for field in full.DESCRIPTOR.oneofs_by_name["task"].fields}
    assert tasks == set(TASKS)
    engines = {field.name for field in full.DESCRIPTOR.oneofs_by_name["engine_options"].fields}
    assert {field.name for field, _ in full.ListFields()} == (
        {field.name for field in full.DESCRIPTOR.fields} - tasks - engines | {"edit", "ace_step"}
    )
