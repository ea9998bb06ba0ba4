from model.song import SectionKind, Stem, Voice
from server.contract.enums import SECTION_KINDS, STEMS, VOICES


def test_every_stem_voice_and_section_kind_has_a_number() -> None:
    assert set(STEMS.values()) == set(Stem)
    assert set(VOICES.values()) == set(Voice)
    assert set(SECTION_KINDS) == set(SectionKind)
