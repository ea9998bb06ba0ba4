import io
import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import av
import pytest

from model.song import AnchorNote, SongParams, SongPlan, Stem
from model.tasks import AudioToAudio, Retake
from server.audio.codecs.id3 import head_tag
from server.audio.codecs.mp3 import Mp3Encoder
from server.audio.marks import marks_of
from server.audio.song_encoder import SongEncoder
from server.audio.tags import tags_of
from server.encoders.fingerprint import encoding_fingerprint
from server.encoders.song_stream import SongStream
from server.song import AudioSettings, Marks, Origin, Planned
from server.workers.messages import SongKey
from server.workers.sound.messages import OpenSong
from server.workers.sound.origin import origin_of
from tests.support.fakes import RATE_HERTZ, FakeEncoder, FakeEngine, params
from tests.support.sounds import tone

PLAN = SongPlan("studio", 7, 1, 1.0, 0.5, ())
PARAMS = SongParams("pop", "潮水", 7)
MADE = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"


def song(marks: Marks | None) -> bytes:
    encoder = Mp3Encoder(44_100, 128, tags_of("pop", "潮水", PLAN, marks))
    return encoder.feed(tone(0.5)) + encoder.finish()


def read(file: bytes) -> dict[str, str]:
    with av.open(io.BytesIO(file), format="mp3") as container:
        return dict(container.metadata)


def test_a_player_reads_the_marks_which_stand_before_all_else() -> None:
    file = song(marks_of(Origin("0f" * 16), '工作室 "A"'))
    tags = read(file)

    assert json.loads(tags["AIGC"]) == {
        "Label": "1",
        "ContentProducer": '工作室 "A"',
        "ProduceID": "0f" * 16,
        "ReservedCode1": "",
        "ContentPropagator": "",
        "PropagateID": "",
        "ReservedCode2": "",
    }
    assert (tags["digital_source_type"], tags["comment"]) == (MADE, "AI generated")
    assert file.index(b"AIGC\0") == 10 + 10 + 1, "the first frame of the tag"
    assert tags["seed"] == "7"


def test_a_comment_is_a_comment_in_english() -> None:
    assert head_tag({"comment": "x"})[10:] == b"COMM\0\0\0\x06\0\0\x03eng\0x"


def test_without_marks_a_file_has_none() -> None:
    assert not {"AIGC", "digital_source_type", "comment"} & set(read(song(None)))


@pytest.mark.parametrize("producer", [None, "", "工作室"])
def test_the_plan_tells_the_marks_that_the_file_has(producer: str | None) -> None:
    opened = OpenSong(SongKey("a"), AudioSettings(), "pop", "", FakeEngine().plan(params()), RATE_HERTZ, Origin("0f"))
    made: dict[str, Mapping[str, str]] = {}

    def factory(*args: Any, tags: Mapping[str, str], **rest: Any) -> FakeEncoder:
        made.update(tags=tags)
        return FakeEncoder(*args, tags=tags, **rest)

    (planned,) = SongStream(opened, factory, producer).do(opened)

    assert isinstance(planned, Planned)
    if producer is None:
        assert (planned.marks, "AIGC" in made["tags"]) == (None, False)
    else:
        assert planned.marks == Marks(MADE, producer, "0f")
        assert json.loads(made["tags"]["AIGC"])["ContentProducer"] == producer


def test_servers_that_mark_otherwise_do_not_continue_each_others_songs() -> None:
    assert len({encoding_fingerprint(SongEncoder, producer) for producer in (None, "", "a", "b")}) == 4


def test_a_song_from_a_recording_is_told_apart() -> None:
    kinds = {
        task: marks_of(origin_of("studio", replace(PARAMS, task=task), AudioSettings()), "").digital_source_type
        for task in (None, Retake(), AudioToAudio(b"sound"))
    }

    whole, composite = MADE, MADE.replace("trained", "compositeWithTrained")
    assert kinds == {None: whole, Retake(): whole, AudioToAudio(b"sound"): composite}
    with_reference = origin_of("ace_step_15", replace(PARAMS, reference_audio=b"sound"), AudioSettings())
    assert marks_of(with_reference, "").digital_source_type == composite


@pytest.mark.parametrize("order", [(Stem.BASS, Stem.VOCAL), (Stem.VOCAL, Stem.BASS)])
def test_the_same_request_has_the_same_content_id_in_every_process(order: tuple[Stem, ...]) -> None:
    params = replace(PARAMS, stems=frozenset(order))

    assert origin_of("studio", params, AudioSettings()).content_id == "b4fb5f965e822105ab3440db2c503c27"


def test_every_other_request_has_another_content_id() -> None:
    requests = [
        ("studio", PARAMS, AudioSettings()),
        ("other", PARAMS, AudioSettings()),
        ("studio", PARAMS, AudioSettings(bitrate_kbps=128)),
        *(
            ("studio", replace(PARAMS, **change), AudioSettings())
            for change in (
                {"seed": 8},
                {"lyrics": "潮"},
                {"stems": frozenset({Stem.BASS})},
                {"task": Retake()},
                {"task": AudioToAudio(b"a")},
                {"task": AudioToAudio(b"b")},
                {"reference_audio": b"a"},
                {"time_signature": "3/4"},
                {"vocal_level_db": 3.0},
                {"anchor": (AnchorNote(60, 1.0),)},
                {"anchor": (AnchorNote(61, 1.0),)},
                {"anchor": (AnchorNote(60, 2.0),)},
            )
        ),
    ]

    assert len({origin_of(*one).content_id for one in requests}) == len(requests)
