"""Converts the events of a song to messages of the .proto file."""

from google.protobuf.duration_pb2 import Duration

from melisma.v1 import music_pb2
from model.song import ChordSpan, LyricLine, SectionPlan, Syllable, SyllableTiming, Voice
from server.contract.enums import SECTION_KINDS, VOICES
from server.song import (
    Accepted,
    Chunk,
    Marks,
    Planned,
    Progressed,
    QueueStatus,
    SectionSent,
    SongCompleted,
    SongEvent,
    SongRequest,
)
from server.store.base import SongRecord


def event_message(event: SongEvent, request: SongRequest) -> music_pb2.SongEvent:
    """Return the protobuf message for an event of a song; `request` is the song's request."""
    match event:
        case Accepted():
            accepted = _accepted(event, request.request_id, request.engine, request.params.seed)
            return music_pb2.SongEvent(accepted=accepted)
        case QueueStatus():
            return queue_status_message(event)
        case Planned():
            return music_pb2.SongEvent(plan=_plan(event, request))
        case Progressed():
            return music_pb2.SongEvent(progress=_progress(event))
        case Chunk():
            return music_pb2.SongEvent(chunk=_chunk(event))
        case SectionSent():
            return music_pb2.SongEvent(section_finished=_section_finished(event))
        case SongCompleted():
            return music_pb2.SongEvent(finished=_finished(event))


def accepted_message(event: Accepted, song: SongRecord) -> music_pb2.SongEvent:
    """Return the protobuf message for the event `accepted` of a song that was made earlier or by another server, from
    its stored record.
    """
    return music_pb2.SongEvent(accepted=_accepted(event, song.request_id, song.engine, song.seed))


def queue_status_message(event: QueueStatus) -> music_pb2.SongEvent:
    """Return the protobuf message for the event `progress`, with the queue position and ETA of a song."""
    return music_pb2.SongEvent(progress=_queue_status(event))


def _accepted(event: Accepted, request_id: str, engine: str, seed: int) -> music_pb2.SongAccepted:
    return music_pb2.SongAccepted(
        request_id=request_id,
        song_id=event.song_id,
        engine=engine,
        seed=seed,
        queue_position=event.queue_position,
        estimated_first_audio=_estimate(event.estimated_first_audio_seconds),
        estimated_finish=_estimate(event.estimated_finish_seconds),
    )


def _queue_status(event: QueueStatus) -> music_pb2.SongProgress:
    return music_pb2.SongProgress(
        queue_position=event.queue_position,
        estimated_first_audio=_estimate(event.estimated_first_audio_seconds),
        estimated_finish=_estimate(event.estimated_finish_seconds),
    )


def _plan(event: Planned, request: SongRequest) -> music_pb2.SongPlan:
    plan = event.plan
    return music_pb2.SongPlan(
        sections=map(_section, plan.sections),
        duration_seconds=plan.duration_seconds,
        key=plan.key or "",
        tempo_bpm=plan.tempo_bpm,
        steps=plan.steps or 0,
        guidance_scale=plan.guidance_scale,
        notes=plan.notes,
        sample_rate_hertz=request.audio.sample_rate_hertz,
        delay_samples=event.delay_samples,
        voice=_voice(plan.voice),
        sample_count=event.sample_count,
        sample_count_exact=event.sample_count_exact,
        stream_size_bytes=event.stream_size_bytes,
        marks=_marks(event.marks) if event.marks else None,
    )


def _marks(marks: Marks) -> music_pb2.SoundMarks:
    return music_pb2.SoundMarks(
        digital_source_type=marks.digital_source_type, producer=marks.producer, content_id=marks.content_id
    )


def _voice(voice: Voice | None) -> music_pb2.VoiceKind.ValueType:
    return next((number for number, own in VOICES.items() if own is voice), music_pb2.VOICE_KIND_UNSPECIFIED)


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
    return music_pb2.LyricLine(
        text=line.text, syllables=map(_syllable, line.syllables), voices=map(_voice, line.voices)
    )


def _syllable(syllable: Syllable) -> music_pb2.Syllable:
    return music_pb2.Syllable(
        text=syllable.text, reading=syllable.reading, tone=syllable.tone, sung_tone=syllable.sung_tone
    )


def _progress(event: Progressed) -> music_pb2.SongProgress:
    progress = music_pb2.SongProgress(section_index=event.section_index, section_share=event.step / event.steps)
    if event.denoises:
        progress.step, progress.steps = event.step, event.steps
    return progress


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


def _finished(event: SongCompleted) -> music_pb2.SongFinished:
    return music_pb2.SongFinished(
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
