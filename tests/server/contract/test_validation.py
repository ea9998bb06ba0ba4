import pytest

from melisma.v1 import music_pb2
from server.contract.validation import check, parsed
from server.errors import InvalidRequest


def test_a_fault_inside_a_list_names_its_place() -> None:
    notes = [music_pb2.AnchorNote(pitch=60, length_beats=1), music_pb2.AnchorNote(pitch=1, length_beats=1)]
    with pytest.raises(InvalidRequest, match=r"anchor\.notes\.notes\[1\]\.pitch: must be 0 \(a rest\)"):
        check(music_pb2.GenerateRequest(prompt="pop", anchor=music_pb2.Anchor(notes=music_pb2.NoteList(notes=notes))))


def test_a_choice_that_is_missing_is_named_and_its_field_where_there_is_only_one() -> None:
    with pytest.raises(InvalidRequest, match=r"^repaint\.audio: must be set$"):
        check(music_pb2.GenerateRequest(prompt="pop", repaint=music_pb2.Repaint(end_seconds=3)))
    with pytest.raises(InvalidRequest, match=r"^anchor\.melody: "):
        check(music_pb2.GenerateRequest(prompt="pop", anchor=music_pb2.Anchor()))


@pytest.mark.parametrize("data", [b"\x1a\x02\xff\xfe", b"\x1a\x20", b"\xff"])
def test_bytes_that_are_no_message_are_an_invalid_request(data: bytes) -> None:
    with pytest.raises(InvalidRequest, match="request: cannot be read"):
        parsed(music_pb2.GenerateRequest.FromString, data)
