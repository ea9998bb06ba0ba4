from melisma.v1 import music_pb2
from server.contract.resources import engine_message
from tests.support.fake_runner import FAKE_INFO


def test_an_engine_is_described_with_limits_and_controls() -> None:
    engine = engine_message("fake", FAKE_INFO, ("cpu",), ready=True)
    assert (engine.min_steps, engine.max_steps, engine.default_steps) == (2, 100, 20)
    assert list(engine.stems) == [music_pb2.STEM_VOCAL, music_pb2.STEM_DRUMS]
    assert list(engine.voices) == [music_pb2.VOICE_FEMALE]
    assert "anchor" not in engine.controls
    assert engine.ready


def test_an_engine_tells_its_licence_and_channels() -> None:
    engine = engine_message("fake", FAKE_INFO, ("cpu",), ready=True)
    told = (engine.license, engine.commercial_use_allowed, engine.attribution, engine.channels)
    assert told == ("CC-BY-4.0", True, "Sound by nobody.", 2)


def test_an_engine_that_is_not_loaded_has_a_name() -> None:
    assert engine_message("far", None, (), ready=False) == music_pb2.Engine(name="far")
