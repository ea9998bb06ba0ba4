"""A request for a song, and its conversion to the protobuf message GenerateRequest."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from melisma.v1 import music_pb2
from melisma_client.engine_options import EngineOptions, options_field
from melisma_client.enums import StemKind, VoiceKind, constant_name
from melisma_client.tasks import Task, task_field


@dataclass(frozen=True, slots=True)
class AnchorNote:
    """One note of a given melody: MIDI pitch 36 to 96 (`None` is a rest), and length in beats (quarter notes)."""

    pitch: int | None
    length_beats: float


@dataclass(frozen=True, slots=True)
class SongRequest:
    """A request for a song. `None` and empty values leave the choice to the server.

    Ranges and meanings are those of `GenerateRequest` in music.proto; the server checks them, and invalid values raise
    `InvalidRequest`. `anchor` is a melody for the song, note by note or as the bytes of a standard MIDI file.
    `negative_prompt` is the style to avoid, `time_signature` has the form "3/4", and `reference_audio` is a recording
    whose timbre the song imitates. `engine_options` select their engine if `engine` is empty, and are refused with any
    other engine.
    """

    prompt: str = ""
    lyrics: str = ""
    duration_seconds: float | None = None
    engine: str = ""
    seed: int | None = None
    steps: int | None = None
    guidance_scale: float | None = None
    key: str = ""
    tempo_bpm: float | None = None
    anchor: Sequence[AnchorNote] | bytes = ()
    stems: Sequence[StemKind] = ()
    voice: VoiceKind | None = None
    vocal_level_db: float | None = None
    bitrate_kbps: int | None = None
    sample_rate_hertz: int | None = None
    target_lufs: float | None = None
    request_id: str = ""
    language: str = ""
    engine_options: EngineOptions | None = None
    task: Task | None = None
    negative_prompt: str = ""
    time_signature: str = ""
    reference_audio: bytes = field(default=b"", repr=False)

    def to_proto(self) -> music_pb2.GenerateRequest:
        """Return the request as the protobuf message GenerateRequest; raises `ValueError` for a number that is too
        large for its field.
        """
        message = music_pb2.GenerateRequest(
            request_id=self.request_id,
            engine=self.engine,
            prompt=self.prompt,
            lyrics=self.lyrics,
            duration_seconds=self.duration_seconds or 0.0,
            seed=self.seed,
            steps=self.steps,
            guidance_scale=self.guidance_scale,
            key=self.key,
            tempo_bpm=self.tempo_bpm,
            anchor=_anchor(self.anchor),
            stems=[music_pb2.StemKind.Value(constant_name("STEM_KIND", stem)) for stem in self.stems],
            voice=music_pb2.VoiceKind.Value(constant_name("VOICE_KIND", self.voice)),
            vocal_level_db=self.vocal_level_db or 0.0,
            language=self.language,
            negative_prompt=self.negative_prompt,
            time_signature=self.time_signature,
            reference_audio=_reference(self.reference_audio),
            **options_field(self.engine_options),
            **task_field(self.task),
        )
        message.audio.format = music_pb2.AUDIO_FORMAT_MP3
        message.audio.bitrate_kbps = self.bitrate_kbps or 0
        message.audio.sample_rate_hertz = self.sample_rate_hertz or 0
        if self.target_lufs is not None:
            message.mastering.target_lufs = self.target_lufs
        return message


def _reference(audio: bytes) -> music_pb2.ReferenceAudio | None:
    return music_pb2.ReferenceAudio(audio=audio) if audio else None


def _anchor(anchor: Sequence[AnchorNote] | bytes) -> music_pb2.Anchor | None:
    if not anchor:
        return None
    if isinstance(anchor, bytes):
        return music_pb2.Anchor(midi=anchor)
    notes = [music_pb2.AnchorNote(pitch=note.pitch or 0, length_beats=note.length_beats) for note in anchor]
    return music_pb2.Anchor(notes=music_pb2.AnchorNoteList(notes=notes))
