"""A scripted music service for tests of clients. An act is a function that yields the responses of one call, or ends
the call with an error.
"""

from collections.abc import Callable, Iterator
from hashlib import sha256
from threading import Event
from typing import NoReturn

import grpc
from google.protobuf.message import Message
from google.rpc.error_details_pb2 import ErrorInfo
from google.rpc.status_pb2 import Status
from grpc_status import rpc_status

from melisma.v1 import music_pb2
from melisma.v1.music_pb2_grpc import MusicServiceServicer

CHUNKS = (b"first", b"second", b"third")
SONG = b"".join(CHUNKS)
LONGEST_PAGE = 2

Act = Callable[[grpc.ServicerContext], Iterator[music_pb2.GenerateResponse]]


def song_responses() -> list[music_pb2.GenerateResponse]:
    """Return the messages of one whole song with two sections and three chunks."""
    sections = [
        music_pb2.Section(index=0, label="verse 1", start_seconds=0, duration_seconds=2, bars=1),
        music_pb2.Section(index=1, label="chorus 1", start_seconds=2, duration_seconds=1, bars=1),
    ]
    chunks = [
        music_pb2.AudioChunk(
            sequence=i,
            data=data,
            byte_offset=sum(map(len, CHUNKS[:i])),
            section_index=0 if i < 2 else 1,
            start_seconds=i,
            duration_seconds=1,
        )
        for i, data in enumerate(CHUNKS)
    ]
    finished = music_pb2.SongFinished(duration_seconds=3, size_bytes=len(SONG), sha256=sha256(SONG).hexdigest())
    plan = music_pb2.SongPlan(
        sections=sections, duration_seconds=3, key="C major", tempo_bpm=120, steps=20, voice=music_pb2.VOICE_KIND_MALE
    )
    event = music_pb2.SongEvent
    events = [
        event(accepted=music_pb2.SongAccepted(song_id="song-1", engine="studio", seed=7)),
        event(plan=plan),
        event(progress=music_pb2.SongProgress(section_index=0, step=1, steps=20)),
        event(chunk=chunks[0]),
        event(chunk=chunks[1]),
        event(section_finished=music_pb2.SectionFinished(section_index=0, duration_seconds=2)),
        event(chunk=chunks[2]),
        event(section_finished=music_pb2.SectionFinished(section_index=1, duration_seconds=1)),
        event(finished=finished),
    ]
    return [music_pb2.GenerateResponse(event=each) for each in events]


def rest_from(sequence: int) -> list[music_pb2.GenerateResponse]:
    """Return the messages of the song of `song_responses` without the chunks before the chunk number `sequence`."""
    events = [response.event for response in song_responses()]
    rest = [event for event in events if not event.HasField("chunk") or event.chunk.sequence >= sequence]
    return [music_pb2.GenerateResponse(event=each) for each in rest]


def unknown_response() -> music_pb2.GenerateResponse:
    """Return a message whose event has a kind that the contract does not define: field 99, two bytes long."""
    return music_pb2.GenerateResponse(event=music_pb2.SongEvent.FromString(b"\x9a\x06\x02??"))


def drops_after(responses: list[music_pb2.GenerateResponse]) -> Act:
    """Return an act (the script of one call) that sends `responses` and then fails like a broken connection:
    UNAVAILABLE without error details.
    """

    def act(context: grpc.ServicerContext) -> Iterator[music_pb2.GenerateResponse]:
        yield from responses
        context.abort(grpc.StatusCode.UNAVAILABLE, "Socket closed")

    return act


def plays(responses: list[music_pb2.GenerateResponse]) -> Act:
    """Return an act (the script of one call) that sends `responses` and ends the call with OK."""
    return lambda context: iter(responses)


def refuses(code: grpc.StatusCode, text: str, *details: Message) -> Act:
    """Return an act (the script of one call) that ends the call with an error before the first message."""
    return breaks_after([], code, text, *details)


def breaks_after(
    responses: list[music_pb2.GenerateResponse], code: grpc.StatusCode, text: str, *details: Message
) -> Act:
    """Return an act (the script of one call) that sends `responses` and then ends the call with an error."""

    def act(context: grpc.ServicerContext) -> Iterator[music_pb2.GenerateResponse]:
        yield from responses
        abort(context, code, text, *details)

    return act


def abort(context: grpc.ServicerContext, code: grpc.StatusCode, text: str, *details: Message) -> NoReturn:
    """End the call with a status and its typed error details."""
    status = Status(code=code.value[0], message=text)
    for detail in details:
        status.details.add().Pack(detail)
    context.abort_with_status(rpc_status.to_status(status))


class FakeMusic(MusicServiceServicer):
    """A music service for tests that performs its acts (scripts), one for each call; further calls repeat
    the last act. It records the requests.
    """

    def __init__(self) -> None:
        self.acts: list[Act] = [plays(song_responses())]
        self.requests: list[music_pb2.GenerateRequest] = []
        self.callers: list[str | None] = []
        self.keys: list[str | None] = []
        self.engines = [
            music_pb2.Engine(
                name="studio",
                ready=True,
                languages=["zh", "en"],
                experimental_languages=["en"],
                default_steps=20,
                stems=[music_pb2.STEM_KIND_VOCAL],
                voices=[music_pb2.VOICE_KIND_FEMALE, music_pb2.VOICE_KIND_MALE],
                license="CC-BY-4.0",
                commercial_use_allowed=True,
                attribution="Sung by [nobody]",
                channels=2,
                sample_rate_hertz=48_000,
                license_urls=["https://creativecommons.org/licenses/by/4.0/"],
            )
        ]
        self.songs = [music_pb2.Song(song_id="song-1", state=music_pb2.SONG_STATE_COMPLETED, engine="studio")]
        self.encores: list[Act] = [plays(song_responses())]
        self.resumptions: list[int] = []
        self.cancelled: list[str] = []
        self.lost_answers = 0
        """Number of calls of DeleteSong that delete the song but fail before the response."""
        self.left = Event()

    def Generate(
        self, request: music_pb2.GenerateRequest, context: grpc.ServicerContext
    ) -> Iterator[music_pb2.GenerateResponse]:
        self.requests.append(request)
        metadata = {key: str(value) for key, value in context.invocation_metadata()}
        self.callers.append(metadata.get("x-caller"))
        self.keys.append(metadata.get("authorization"))
        act = self.acts.pop(0) if len(self.acts) > 1 else self.acts[0]
        return act(context)

    def Listen(
        self, request: music_pb2.ListenRequest, context: grpc.ServicerContext
    ) -> Iterator[music_pb2.ListenResponse]:
        self.resumptions.append(request.byte_offset)
        act = self.encores.pop(0) if len(self.encores) > 1 else self.encores[0]
        return (music_pb2.ListenResponse(event=told.event) for told in act(context))

    def GetSong(self, request: music_pb2.GetSongRequest, context: grpc.ServicerContext) -> music_pb2.GetSongResponse:
        return music_pb2.GetSongResponse(song=self._song(request.song_id, context))

    def CancelSong(
        self, request: music_pb2.CancelSongRequest, context: grpc.ServicerContext
    ) -> music_pb2.CancelSongResponse:
        self.cancelled.append(request.song_id)
        return music_pb2.CancelSongResponse(song=self._song(request.song_id, context))

    def DeleteSong(
        self, request: music_pb2.DeleteSongRequest, context: grpc.ServicerContext
    ) -> music_pb2.DeleteSongResponse:
        song = self._song(request.song_id, context)
        if song.state in (music_pb2.SONG_STATE_QUEUED, music_pb2.SONG_STATE_RUNNING):
            reason = ErrorInfo(reason="SONG_NOT_ENDED", domain="melisma.v1")
            abort(context, grpc.StatusCode.FAILED_PRECONDITION, "the song has not ended", reason)
        self.songs.remove(song)
        if self.lost_answers:
            self.lost_answers -= 1
            context.abort(grpc.StatusCode.UNAVAILABLE, "Socket closed")
        return music_pb2.DeleteSongResponse()

    def ListSongs(
        self, request: music_pb2.ListSongsRequest, context: grpc.ServicerContext
    ) -> music_pb2.ListSongsResponse:
        start = int(request.page_token or 0)
        end = start + min(request.page_size, LONGEST_PAGE)
        token = str(end) if end < len(self.songs) else ""
        return music_pb2.ListSongsResponse(songs=self.songs[start:end], next_page_token=token)

    def _song(self, song_id: str, context: grpc.ServicerContext) -> music_pb2.Song:
        for song in self.songs:
            if song.song_id == song_id:
                return song
        abort(context, grpc.StatusCode.NOT_FOUND, f"no song {song_id!r}")

    def waits_after(self, responses: list[music_pb2.GenerateResponse]) -> Act:
        """Return an act (the script of one call) that sends `responses` and then waits until the client
        cancels the call, which sets the event `left`.
        """

        def act(context: grpc.ServicerContext) -> Iterator[music_pb2.GenerateResponse]:
            context.add_callback(self.left.set)
            yield from responses
            self.left.wait()

        return act

    def ListEngines(
        self, request: music_pb2.ListEnginesRequest, context: grpc.ServicerContext
    ) -> music_pb2.ListEnginesResponse:
        start = int(request.page_token or 0)
        end = start + LONGEST_PAGE
        token = str(end) if end < len(self.engines) else ""
        return music_pb2.ListEnginesResponse(engines=self.engines[start:end], next_page_token=token)

    def GetEngine(
        self, request: music_pb2.GetEngineRequest, context: grpc.ServicerContext
    ) -> music_pb2.GetEngineResponse:
        for engine in self.engines:
            if engine.name == request.name:
                return music_pb2.GetEngineResponse(engine=engine)
        abort(context, grpc.StatusCode.NOT_FOUND, f"no engine {request.name!r}")
