"""Protobuf messages <-> the server's values, as pure functions."""

import secrets
import uuid
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Any

from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

from melisma.v1 import music_pb2
from model.engine import EngineInfo
from model.song import (
    ALL_STEMS,
    AnchorNote,
    AudioToAudio,
    ChordSpan,
    Edit,
    Extend,
    LyricLine,
    Repaint,
    Retake,
    SectionKind,
    SectionPlan,
    SongParams,
    SyllableTiming,
    Task,
    Voice,
)
from server.contract.audio_formats import format_name
from server.contract.midi_melody import anchor_from_midi
from server.contract.validation import MODES, SCHEDULERS, STEMS, VOICES, check, check_against
from server.song import (
    DEFAULT_BITRATE_KBPS,
    DEFAULT_SAMPLE_RATE_HERTZ,
    DEFAULT_TARGET_LUFS,
    Accepted,
    AudioSettings,
    Chunk,
    Planned,
    Progressed,
    SectionSent,
    SongCompleted,
    SongEvent,
    SongRequest,
    Waiting,
)
from server.store.base import SongRecord, SongState

GRID_PER_BEAT = 4
DEFAULT_STRENGTH = 0.5
DEFAULT_VARIANCE = 0.5

SECTION_KINDS = MappingProxyType(
    {
        SectionKind.INTRO: music_pb2.SECTION_KIND_INTRO,
        SectionKind.VERSE: music_pb2.SECTION_KIND_VERSE,
        SectionKind.PRE_CHORUS: music_pb2.SECTION_KIND_PRE_CHORUS,
        SectionKind.CHORUS: music_pb2.SECTION_KIND_CHORUS,
        SectionKind.BRIDGE: music_pb2.SECTION_KIND_BRIDGE,
        SectionKind.INST: music_pb2.SECTION_KIND_INST,
        SectionKind.OUTRO: music_pb2.SECTION_KIND_OUTRO,
        SectionKind.SONG: music_pb2.SECTION_KIND_SONG,
    }
)

SONG_STATES = MappingProxyType(
    {
        SongState.QUEUED: music_pb2.SONG_STATE_QUEUED,
        SongState.RUNNING: music_pb2.SONG_STATE_RUNNING,
        SongState.COMPLETED: music_pb2.SONG_STATE_COMPLETED,
        SongState.FAILED: music_pb2.SONG_STATE_FAILED,
        SongState.CANCELLED: music_pb2.SONG_STATE_CANCELLED,
    }
)


def song_request(
    message: music_pb2.GenerateRequest,
    engines: Mapping[str, EngineInfo],
    default_engine: str,
    deadline: float | None = None,
    caller: str = "",
) -> SongRequest:
    """What the caller asks for, checked against the .proto and against what is known of the engine.

    An engine that is missing from `engines` is left for admission to refuse. `deadline` is on the server's monotonic
    clock, in seconds.

    Raises:
        InvalidRequest: the message breaks a rule of the contract, or a value is outside the engine's own range.
        ControlNotSupported: the message sets a field that the engine has no use for.
    """
    check(message)
    name = message.engine or default_engine
    if (engine := engines.get(name)) is not None:
        check_against(message, engine, engines)
    return SongRequest(
        request_id=message.request_id or str(uuid.uuid4()),
        engine=name,
        params=_params(message),
        audio=_audio(message),
        deadline=deadline,
        caller=caller,
    )


def _params(message: music_pb2.GenerateRequest) -> SongParams:
    return SongParams(
        prompt=message.prompt,
        lyrics=message.lyrics,
        seed=message.seed if message.HasField("seed") else secrets.randbelow(2**32),
        duration_seconds=message.duration_seconds or None,
        steps=message.steps if message.HasField("steps") else None,
        guidance_scale=message.guidance_scale if message.HasField("guidance_scale") else None,
        key=message.key.strip() or None,
        tempo_bpm=message.tempo_bpm if message.HasField("tempo_bpm") else None,
        anchor=_anchor(message),
        stems=frozenset(STEMS[number] for number in message.stems) or ALL_STEMS,
        voice=VOICES.get(message.voice),
        vocal_level_db=message.vocal_level_db,
        language=message.language.lower() or None,
        mode=MODES.get(message.mode),
        scheduler=SCHEDULERS.get(message.scheduler),
        omega=message.omega if message.HasField("omega") else None,
        lora=message.lora or None,
        lora_weight=message.lora_weight if message.HasField("lora_weight") else 1.0,
        task=_task(message),
    )


def _task(message: music_pb2.GenerateRequest) -> Task | None:
    name = message.WhichOneof("task")
    return _TASKS[name](getattr(message, name)) if name else None


def _audio_to_audio(task: music_pb2.AudioToAudio) -> AudioToAudio:
    return AudioToAudio(task.audio, task.strength if task.HasField("strength") else DEFAULT_STRENGTH)


def _retake(task: music_pb2.Retake) -> Retake:
    return Retake(_seed(task), task.variance if task.HasField("variance") else DEFAULT_VARIANCE)


def _repaint(task: music_pb2.Repaint) -> Repaint:
    variance = task.variance if task.HasField("variance") else DEFAULT_VARIANCE
    return Repaint(task.audio, task.start_seconds, task.end_seconds, variance, _seed(task))


def _extend(task: music_pb2.Extend) -> Extend:
    return Extend(task.audio, task.left_seconds, task.right_seconds, _seed(task))


def _edit(task: music_pb2.Edit) -> Edit:
    end = task.end if task.HasField("end") else 1.0
    return Edit(task.audio, task.prompt, task.lyrics, task.start, end, task.averages or 1, _seed(task))


def _seed(task: music_pb2.Retake | music_pb2.Repaint | music_pb2.Extend | music_pb2.Edit) -> int | None:
    return task.seed if task.HasField("seed") else None


_TASKS: Mapping[str, Callable[[Any], Task]] = MappingProxyType(
    {"audio_to_audio": _audio_to_audio, "retake": _retake, "repaint": _repaint, "extend": _extend, "edit": _edit}
)


def _anchor(message: music_pb2.GenerateRequest) -> tuple[AnchorNote, ...]:
    if message.anchor.WhichOneof("melody") == "midi":
        return anchor_from_midi(message.anchor.midi)
    return tuple(
        AnchorNote(note.pitch or None, round(note.length_beats * GRID_PER_BEAT) / GRID_PER_BEAT)
        for note in message.anchor.notes.notes
    )


def _audio(message: music_pb2.GenerateRequest) -> AudioSettings:
    mastering = message.mastering
    return AudioSettings(
        bitrate_kbps=message.audio.bitrate_kbps or DEFAULT_BITRATE_KBPS,
        sample_rate_hertz=message.audio.sample_rate_hertz or DEFAULT_SAMPLE_RATE_HERTZ,
        target_lufs=mastering.target_lufs if mastering.HasField("target_lufs") else DEFAULT_TARGET_LUFS,
        format=format_name(message.audio.format),
    )


def response(event: SongEvent, request: SongRequest) -> music_pb2.GenerateResponse:
    """The message of the stream that tells the event of the request's song."""
    match event:
        case Accepted():
            return music_pb2.GenerateResponse(accepted=_accepted(event, request))
        case Waiting():
            return music_pb2.GenerateResponse(progress=_waiting(event))
        case Planned():
            return music_pb2.GenerateResponse(plan=_plan(event, request))
        case Progressed():
            return music_pb2.GenerateResponse(progress=_progress(event))
        case Chunk():
            return music_pb2.GenerateResponse(chunk=_chunk(event))
        case SectionSent():
            return music_pb2.GenerateResponse(section_finished=_section_finished(event))
        case SongCompleted():
            return music_pb2.GenerateResponse(finished=_finished(event))


def _accepted(event: Accepted, request: SongRequest) -> music_pb2.Accepted:
    return music_pb2.Accepted(
        request_id=request.request_id,
        song_id=event.song_id,
        engine=request.engine,
        seed=request.params.seed,
        queue_position=event.queue_position,
        estimated_first_audio=_estimate(event.estimated_first_audio_seconds),
        estimated_finish=_estimate(event.estimated_finish_seconds),
    )


def _waiting(event: Waiting) -> music_pb2.Progress:
    return music_pb2.Progress(
        queue_position=event.queue_position,
        estimated_first_audio=_estimate(event.estimated_first_audio_seconds),
        estimated_finish=_estimate(event.estimated_finish_seconds),
    )


def _plan(event: Planned, request: SongRequest) -> music_pb2.Plan:
    plan = event.plan
    return music_pb2.Plan(
        sections=map(_section, plan.sections),
        duration_seconds=plan.duration_seconds,
        key=plan.key or "",
        tempo_bpm=plan.tempo_bpm,
        steps=plan.steps,
        guidance_scale=plan.guidance_scale,
        notes=plan.notes,
        sample_rate_hertz=request.audio.sample_rate_hertz,
        delay_samples=event.delay_samples,
        voice=_voice(plan.voice),
    )


def _voice(voice: Voice | None) -> music_pb2.Voice.ValueType:
    return next((number for number, own in VOICES.items() if own is voice), music_pb2.VOICE_UNSPECIFIED)


def _section(section: SectionPlan) -> music_pb2.Section:
    return music_pb2.Section(
        index=section.index,
        kind=SECTION_KINDS[section.kind],
        label=section.label,
        start_seconds=section.start_seconds,
        duration_seconds=section.duration_seconds,
        bars=section.bars or 0,
        lines=map(_line, section.lines),
    )


def _line(line: LyricLine) -> music_pb2.LyricLine:
    syllables = (music_pb2.Syllable(text=s.text, reading=s.reading, tone=s.tone) for s in line.syllables)
    return music_pb2.LyricLine(text=line.text, syllables=syllables)


def _progress(event: Progressed) -> music_pb2.Progress:
    return music_pb2.Progress(section_index=event.section_index, step=event.step, steps=event.steps)


def _chunk(event: Chunk) -> music_pb2.AudioChunk:
    return music_pb2.AudioChunk(
        sequence=event.sequence,
        data=event.data,
        section_index=event.section_index,
        start_seconds=event.start_seconds,
        duration_seconds=event.duration_seconds,
        byte_offset=event.byte_offset,
        sample_offset=event.sample_offset,
    )


def _section_finished(event: SectionSent) -> music_pb2.SectionFinished:
    return music_pb2.SectionFinished(
        section_index=event.section_index,
        start_seconds=event.start_seconds,
        duration_seconds=event.duration_seconds,
        timings=map(_timing, event.score.timings),
        midi=event.score.midi,
        chords=map(_chord, event.score.chords),
    )


def _chord(chord: ChordSpan) -> music_pb2.ChordSpan:
    return music_pb2.ChordSpan(symbol=chord.symbol, start_seconds=chord.start_seconds, end_seconds=chord.end_seconds)


def _timing(timing: SyllableTiming) -> music_pb2.SyllableTiming:
    return music_pb2.SyllableTiming(
        line_index=timing.line,
        syllable_index=timing.syllable,
        text=timing.text,
        start_seconds=timing.start_seconds,
        end_seconds=timing.end_seconds,
    )


def _finished(event: SongCompleted) -> music_pb2.Finished:
    return music_pb2.Finished(
        duration_seconds=event.duration_seconds,
        sample_count=event.sample_count,
        size_bytes=event.size_bytes,
        sha256=event.sha256,
        queued=_duration(event.queued_seconds),
        denoising=_duration(event.denoising_seconds),
        rendering=_duration(event.rendering_seconds),
        encoding=_duration(event.encoding_seconds),
        finish_reason=music_pb2.FINISH_REASON_COMPLETED,
    )


def _estimate(seconds: float | None) -> Duration | None:
    return None if seconds is None else _duration(seconds)


def _duration(seconds: float) -> Duration:
    duration = Duration()
    duration.FromNanoseconds(round(seconds * 1_000_000_000))
    return duration


def listen_response(message: music_pb2.GenerateResponse) -> music_pb2.ListenResponse:
    """What a listener is told where Generate tells `message`."""
    kind = message.WhichOneof("event")
    return music_pb2.ListenResponse(**{kind: getattr(message, kind)}) if kind else music_pb2.ListenResponse()


def song_message(song: SongRecord) -> music_pb2.Song:
    """The song as its caller sees it."""
    return music_pb2.Song(
        song_id=song.song_id,
        request_id=song.request_id,
        state=SONG_STATES[song.state],
        engine=song.engine,
        prompt=song.prompt,
        seed=song.seed,
        create_time=_timestamp(song.created_ns),
        end_time=None if song.ended_ns is None else _timestamp(song.ended_ns),
        duration_seconds=song.duration_seconds,
        size_bytes=song.size_bytes,
        sha256=song.sha256,
        error_reason=song.reason,
        error=song.error,
    )


def _timestamp(nanoseconds: int) -> Timestamp:
    timestamp = Timestamp()
    timestamp.FromNanoseconds(nanoseconds)
    return timestamp


def engine_message(name: str, info: EngineInfo | None, devices: Iterable[str], *, ready: bool) -> music_pb2.Engine:
    """The engine as callers see it; only its name and devices while nothing else is known of it."""
    message = music_pb2.Engine(name=name, devices=devices, ready=ready)
    if info is not None:
        message.MergeFrom(_facts(info))
    return message


def _facts(info: EngineInfo) -> music_pb2.Engine:
    return music_pb2.Engine(
        description=info.description,
        languages=info.languages,
        min_duration_seconds=info.duration_seconds[0],
        max_duration_seconds=info.duration_seconds[1],
        min_steps=info.steps[0],
        max_steps=info.steps[1],
        default_steps=info.default_steps,
        min_guidance_scale=info.guidance_scale[0],
        max_guidance_scale=info.guidance_scale[1],
        default_guidance_scale=info.default_guidance_scale,
        controls=sorted(control.value for control in info.controls),
        stems=[number for number, stem in STEMS.items() if stem in info.stems],
        voices=[number for number, voice in VOICES.items() if voice in info.voices],
        loras=info.loras,
    )
