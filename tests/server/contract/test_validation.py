import pytest
from google.protobuf.message import Message

from melisma.v1 import music_pb2
from server.contract.validation import check, has_unknown_fields, parsed
from server.errors import InvalidRequest


def test_a_fault_inside_a_list_names_its_place() -> None:
    notes = [music_pb2.AnchorNote(pitch=60, length_beats=1), music_pb2.AnchorNote(pitch=1, length_beats=1)]
    with pytest.raises(InvalidRequest, match=r"anchor\.notes\.notes\[1\]\.pitch: must be 0 \(a rest\)"):
        check(
            music_pb2.GenerateRequest(
                prompt="pop", anchor=music_pb2.Anchor(notes=music_pb2.AnchorNoteList(notes=notes))
            )
        )


def test_a_choice_that_is_missing_is_named_and_its_field_where_there_is_only_one() -> None:
    with pytest.raises(InvalidRequest, match=r"^repaint\.audio: must be set$"):
        check(music_pb2.GenerateRequest(prompt="pop", repaint=music_pb2.RepaintTask(end_seconds=3)))
    with pytest.raises(InvalidRequest, match=r"^anchor\.melody: "):
        check(music_pb2.GenerateRequest(prompt="pop", anchor=music_pb2.Anchor()))


@pytest.mark.parametrize("data", [b"\x1a\x02\xff\xfe", b"\x1a\x20", b"\xff"])
def test_bytes_that_are_no_message_are_an_invalid_request(data: bytes) -> None:
    with pytest.raises(InvalidRequest, match="request: cannot be read"):
        parsed(music_pb2.GenerateRequest.FromString, data)


UNKNOWN = b"\xf8\x07\x01"  # field 127


@pytest.mark.parametrize(
    "message",
    [
        music_pb2.GenerateRequest(prompt="pop"),
        music_pb2.ListSongsRequest(),
        music_pb2.GetSongRequest(song_id="song-1"),
    ],
)
def test_a_field_of_another_version_is_refused_and_not_ignored(message: Message) -> None:
    check(message)
    message.MergeFromString(UNKNOWN)
    with pytest.raises(InvalidRequest, match=r"^request: has a field that this server's version"):
        check(message)


def test_a_field_that_the_contract_has_given_up_is_refused() -> None:
    message = music_pb2.GenerateRequest(prompt="pop")
    message.MergeFromString(b"\x90\x01\x01")  # mode: GENERATION_MODE_WHOLE, once field 18
    with pytest.raises(InvalidRequest, match=r"^request: has a field"):
        check(message)


def test_unknown_fields_are_found_at_any_depth() -> None:
    note, task = music_pb2.AnchorNote(pitch=60, length_beats=1), music_pb2.EditTask(audio=b"a" * 100_000)
    known = music_pb2.GenerateRequest(
        prompt="pop", anchor=music_pb2.Anchor(notes=music_pb2.AnchorNoteList(notes=[note, note])), edit=task
    )
    assert not has_unknown_fields(known)
    note.MergeFromString(UNKNOWN)
    unknown = music_pb2.GenerateRequest()
    unknown.CopyFrom(known)
    unknown.anchor.notes.notes.append(note)
    assert has_unknown_fields(unknown)
    known.edit.MergeFromString(UNKNOWN)
    assert has_unknown_fields(known)
