"""Pairs of proto enum numbers and the values of the model and of the store."""

from types import MappingProxyType

from melisma.v1 import music_pb2
from model.song import Mode, Scheduler, SectionKind, Stem, Voice
from server.song import SongState

STEMS = MappingProxyType(
    {
        music_pb2.STEM_VOCAL: Stem.VOCAL,
        music_pb2.STEM_HARMONY: Stem.HARMONY,
        music_pb2.STEM_DRUMS: Stem.DRUMS,
        music_pb2.STEM_BASS: Stem.BASS,
        music_pb2.STEM_ORNAMENTS: Stem.ORNAMENTS,
    }
)

VOICES = MappingProxyType({music_pb2.VOICE_FEMALE: Voice.FEMALE, music_pb2.VOICE_MALE: Voice.MALE})

MODES = MappingProxyType({music_pb2.MODE_WHOLE: Mode.WHOLE, music_pb2.MODE_SECTIONED: Mode.SECTIONED})

SCHEDULERS = MappingProxyType(
    {
        music_pb2.SCHEDULER_EULER: Scheduler.EULER,
        music_pb2.SCHEDULER_HEUN: Scheduler.HEUN,
        music_pb2.SCHEDULER_PINGPONG: Scheduler.PINGPONG,
    }
)

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
