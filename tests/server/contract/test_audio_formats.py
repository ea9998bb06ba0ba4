from melisma.v1 import music_pb2
from server.audio.codecs.registry import FORMATS
from server.contract.audio_formats import FORMAT_NAMES, format_name, format_number
from server.song import DEFAULT_FORMAT


def test_the_contract_and_the_registry_have_the_same_formats() -> None:
    assert sorted(FORMAT_NAMES.values()) == sorted(FORMATS)


def test_unspecified_is_the_default() -> None:
    assert format_name(music_pb2.AUDIO_FORMAT_UNSPECIFIED) == DEFAULT_FORMAT


def test_every_enum_value_has_a_name_and_every_name_an_enum_value() -> None:
    assert format_name(music_pb2.AUDIO_FORMAT_MP3) == "mp3"
    assert all(format_number(format_name(number)) == number for number in FORMAT_NAMES)
