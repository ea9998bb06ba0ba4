"""Maps enum values of the .proto file to enum members of the server and of the engines."""

from collections.abc import Mapping
from types import MappingProxyType

from google.protobuf.descriptor import EnumDescriptor

from melisma.v1 import music_pb2
from model.song import SectionKind, Stem, Voice
from server.song import SongState

STEMS = MappingProxyType(
    {
        music_pb2.STEM_KIND_VOCAL: Stem.VOCAL,
        music_pb2.STEM_KIND_HARMONY: Stem.HARMONY,
        music_pb2.STEM_KIND_DRUMS: Stem.DRUMS,
        music_pb2.STEM_KIND_BASS: Stem.BASS,
        music_pb2.STEM_KIND_ORNAMENTS: Stem.ORNAMENTS,
    }
)

VOICES = MappingProxyType({music_pb2.VOICE_KIND_FEMALE: Voice.FEMALE, music_pb2.VOICE_KIND_MALE: Voice.MALE})

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


def enum_words(enum: EnumDescriptor) -> Mapping[str, int]:
    """Return the values of an enum as words, in lower case and without the enum's prefix, mapped to their numbers;
    UNSPECIFIED is left out.
    """
    prefix = "".join(f"_{letter}" if letter.isupper() else letter.upper() for letter in enum.name)[1:] + "_"
    return {value.name.removeprefix(prefix).lower(): value.number for value in enum.values if value.number}
