from dataclasses import replace

import grpc
import pytest
from google.protobuf import descriptor_pb2
from google.rpc.error_details_pb2 import BadRequest, ErrorInfo

from melisma.v1 import music_pb2
from model.song import Violation
from server.contract.resources import engine_message, song_message
from server.contract.status import OUTCOMES
from server.song import SongState
from server.store.base import SongRecord
from tests.support.fake_runner import FAKE_INFO
from tests.support.table import table

SONG = SongRecord("song-1", "me", "request", "print", "fake", "x", 7, 0)
FAILURES = [(outcome.reason, outcome.code) for outcome in OUTCOMES.values()] + [
    ("INTERRUPTED", grpc.StatusCode.UNAVAILABLE),
    ("NOT_KEPT", grpc.StatusCode.UNAVAILABLE),
    ("SOMETHING_OF_TOMORROW", grpc.StatusCode.UNKNOWN),
]


@table(("reason", "code"), FAILURES)
def test_a_song_that_has_failed_has_a_status(reason: str, code: grpc.StatusCode) -> None:
    song = song_message(replace(SONG, state=SongState.FAILED, reason=reason, error="why"))
    assert (song.failure.code, song.failure.message) == (code.value[0], "why")
    (detail,) = song.failure.details
    info = ErrorInfo()
    assert detail.Unpack(info)
    assert info == ErrorInfo(reason=reason, domain="melisma.v1")


@pytest.mark.parametrize("state", [state for state in SongState if state is not SongState.FAILED])
def test_a_song_that_has_not_failed_has_none(state: SongState) -> None:
    assert not song_message(replace(SONG, state=state)).HasField("failure")


def test_fields_that_were_given_up_are_not_used_again() -> None:
    song = descriptor_pb2.DescriptorProto()
    music_pb2.Song.DESCRIPTOR.CopyToProto(song)
    assert {number for each in song.reserved_range for number in range(each.start, each.end)} == {12, 13}
    assert set(song.reserved_name) == {"error_reason", "error"}


def test_a_song_that_has_failed_by_its_request_names_the_fields() -> None:
    violation = Violation("lyrics", "cannot be sung")
    song = song_message(
        replace(SONG, state=SongState.FAILED, reason="INVALID_REQUEST", error="why", violations=(violation,))
    )
    found = BadRequest()
    assert any(detail.Unpack(found) for detail in song.failure.details)
    assert [(one.field, one.description) for one in found.field_violations] == [("lyrics", "cannot be sung")]


def test_an_engine_is_described_with_limits_and_controls() -> None:
    engine = engine_message("fake", FAKE_INFO, ("cpu",), ready=True)
    assert (engine.min_steps, engine.max_steps, engine.default_steps) == (2, 100, 20)
    assert list(engine.stems) == [music_pb2.STEM_KIND_VOCAL, music_pb2.STEM_KIND_DRUMS]
    assert list(engine.voices) == [music_pb2.VOICE_KIND_FEMALE]
    assert "anchor" not in engine.controls
    assert engine.ready


def test_an_engine_tells_its_licence_and_its_sound() -> None:
    engine = engine_message("fake", FAKE_INFO, ("cpu",), ready=True)
    told = (engine.license, *engine.license_urls, engine.commercial_use_allowed, engine.attribution)
    assert told == ("CC-BY-4.0", "https://creativecommons.org/licenses/by/4.0/", True, "Sound by nobody.")
    assert (engine.channels, engine.sample_rate_hertz, engine.length_is_exact) == (2, 48_000, False)
    assert engine_message("fake", replace(FAKE_INFO, length_is_exact=True), ("cpu",), ready=True).length_is_exact


def test_an_engine_that_does_not_denoise_tells_no_steps() -> None:
    engine = engine_message("fake", replace(FAKE_INFO, steps=None, default_steps=None), ("cpu",), ready=True)
    assert (engine.min_steps, engine.max_steps, engine.default_steps) == (0, 0, 0)


def test_an_engine_names_the_languages_that_are_experimental() -> None:
    info = replace(FAKE_INFO, languages=("zh", "en"), experimental_languages=("en",))
    engine = engine_message("fake", info, ("cpu",), ready=True)
    assert list(engine.languages) == ["zh", "en"]
    assert list(engine.experimental_languages) == ["en"]


def test_an_engine_that_is_not_loaded_has_a_name() -> None:
    assert engine_message("far", None, (), ready=False) == music_pb2.Engine(name="far")
