import pytest

from melisma.v1 import music_pb2
from melisma_client import (
    AnchorNote,
    AudioToAudio,
    Edit,
    Extend,
    Mode,
    Repaint,
    Retake,
    Scheduler,
    SongRequest,
    Stem,
    Task,
    Voice,
)


def test_what_is_not_said_is_left_to_the_server() -> None:
    message = SongRequest(prompt="pop").to_proto()
    assert not message.HasField("seed")
    assert not message.HasField("steps")
    assert not message.HasField("anchor")
    assert not message.HasField("mastering")


def test_a_seed_of_zero_is_said() -> None:
    assert SongRequest(seed=0).to_proto().HasField("seed")


@pytest.mark.parametrize("stem", Stem)
def test_every_stem_has_its_number_in_the_contract(stem: Stem) -> None:
    (number,) = SongRequest(stems=[stem]).to_proto().stems
    assert music_pb2.Stem.Name(number) == f"STEM_{stem.name}"


def test_stems_of_client_and_contract_are_the_same() -> None:
    assert {f"STEM_{stem.name}" for stem in Stem} == set(music_pb2.Stem.keys()) - {"STEM_UNSPECIFIED"}


@pytest.mark.parametrize("voice", Voice)
def test_every_voice_has_its_number_in_the_contract(voice: Voice) -> None:
    assert music_pb2.Voice.Name(SongRequest(voice=voice).to_proto().voice) == f"VOICE_{voice.name}"


def test_voices_of_client_and_contract_are_the_same() -> None:
    assert {f"VOICE_{voice.name}" for voice in Voice} == set(music_pb2.Voice.keys()) - {"VOICE_UNSPECIFIED"}


def test_a_rest_is_pitch_zero() -> None:
    anchor = SongRequest(anchor=[AnchorNote(60, 1.0), AnchorNote(None, 0.5)]).to_proto().anchor
    assert [(note.pitch, note.length_beats) for note in anchor.notes.notes] == [(60, 1.0), (0, 0.5)]


def test_bytes_are_a_midi_anchor() -> None:
    assert SongRequest(anchor=b"MThd").to_proto().anchor.midi == b"MThd"


@pytest.mark.parametrize("mode", Mode)
def test_every_mode_has_its_number_in_the_contract(mode: Mode) -> None:
    assert music_pb2.Mode.Name(SongRequest(mode=mode).to_proto().mode) == f"MODE_{mode.name}"


@pytest.mark.parametrize("scheduler", Scheduler)
def test_every_scheduler_has_its_number_in_the_contract(scheduler: Scheduler) -> None:
    named = music_pb2.Scheduler.Name(SongRequest(scheduler=scheduler).to_proto().scheduler)
    assert named == f"SCHEDULER_{scheduler.name}"


TASKS: dict[str, Task] = {
    "audio_to_audio": AudioToAudio(b"a", 0.5),
    "retake": Retake(0.5, 1),
    "repaint": Repaint(b"a", 1.0, 2.0, 0.5, 1),
    "extend": Extend(b"a", 1.0, 2.0, 1),
    "edit": Edit(b"a", "p", "l", 0.1, 0.9, 2, 1),
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
        stems=[Stem.DRUMS],
        voice=Voice.FEMALE,
        vocal_level_db=3,
        bitrate_kbps=128,
        sample_rate_hertz=48000,
        target_lufs=-12,
        request_id="id",
        language="zh",
        mode=Mode.WHOLE,
        scheduler=Scheduler.HEUN,
        omega=0,
        lora="rap",
        lora_weight=1,
        task=TASKS["edit"],
    ).to_proto()
    tasks = {field.name for field in full.DESCRIPTOR.oneofs_by_name["task"].fields}
    assert tasks == set(TASKS)
    assert {field.name for field, _ in full.ListFields()} == (
        {field.name for field in full.DESCRIPTOR.fields} - tasks | {"edit"}
    )
