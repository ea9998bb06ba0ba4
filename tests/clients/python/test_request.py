import pytest

from melisma.v1 import music_pb2
from melisma_client import AnchorNote, SongRequest, Stem, Voice


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
    ).to_proto()
    assert {field.name for field, _ in full.ListFields()} == {field.name for field in full.DESCRIPTOR.fields}
