"""Table of the words in a prompt for special ways of singing, such as a duet, and of building a song, such as a
drop.
"""

from model.studio.prompt.mentions import wanted_places
from model.studio.style import Instrument, Track, Way


def _words(text: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in text.split(","))


WAYS: tuple[tuple[tuple[str, ...], Way], ...] = (
    (_words("a cappella, acappella, a capella, acapella, unaccompanied, voices only, vocals only, 清唱, 无伴奏, "
        "無伴奏, 阿卡贝拉, 阿卡貝拉, 人声合唱"), Way.A_CAPPELLA),
    (_words("whisper, whispers, whispered, whispering, whispery, whisper vocals, asmr, 耳语, 耳語, 低语, 低語, "
        "轻声细语, 輕聲細語, 悄声, 悄悄话, 呢喃, 气声, 氣聲"), Way.WHISPERED),
    (_words("duet, duo, male and female, female and male, male and female vocals, female and male vocals, "
        "man and woman, boy and girl, two singers, "
        "对唱, 對唱, 男女对唱, 男女對唱, 二重唱, 男女声, 男女聲, 男女双声"), Way.DUET),
    (_words("sung together, singing together, group vocals, unison vocals, 合唱, 男女合唱, 齐唱, 齊唱"), Way.TOGETHER),
    (_words("build up and drop, build up, buildup, buildups, build ups, drop, drops, beat drop, bass drop, riser, "
        "铺垫和高潮, 铺垫, 鋪墊, 爆发, 爆發, 渐强爆发, 掉落"), Way.DROP),
)  # fmt: skip
"""Words for each way of singing or building a song; a prompt may ask for several ways."""

ALONE = ((Track.LEAD, Instrument.CHOIR),)
"""Tracks and instruments of a song without accompaniment."""


def ways_of(text: str) -> frozenset[Way]:
    """Return the ways of singing (such as whispering) and of building the song (such as a drop) that a normalised
    prompt asks for.
    """
    return frozenset(way for words, way in WAYS if any(wanted_places(text, word) for word in words))
