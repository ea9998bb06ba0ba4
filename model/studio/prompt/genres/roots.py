"""Table of Jamaican genres (such as reggae) and gospel: for each its names in prompts, tempo range and style."""

from model.studio.prompt.genres.genre import genre
from model.studio.style import Groove, Instrument, Track

_I, _T = Instrument, Track

REGGAE = genre(
    "reggae",
    "reggae, roots reggae, dub, ska, dancehall, rocksteady, 雷鬼, 雷鬼乐, 雷鬼樂, 雷鬼音乐, 斯卡, 牙买加",
    Groove.REGGAE,
    (72, 84),
    energy=0.55,
    density=4.5,
    reverb=0.35,
    brightness=0.5,
    swing=0.08,
    chord_pace=0.8,
    levels_db={_T.BASS: 4.5, _T.GUITAR: 4.0, _T.KEYS: 1.5, _T.DRUMS: 1.0},
    tone_db=(7.5, -2.5, 0.0, -3.0),
    mix_db=-0.1,
    vocal_db=1.5,
    width_db=9.0,
    interlude_db=1.0,
    players={
        _T.LEAD: _I.SAXOPHONE,
        _T.KEYS: _I.ORGAN,
        _T.GUITAR: _I.CLEAN_GUITAR,
        _T.BASS: _I.FINGER_BASS,
        _T.ORNAMENT: _I.BRASS,
        _T.DRUMS: _I.DRUM_KIT,
    },
)

GOSPEL = genre(
    "gospel",
    "gospel, gospel choir, praise, worship, spiritual, hymn, church, 福音, 福音歌, 福音音乐, 赞美诗, 讚美詩, 圣歌, "
    "聖歌, 敬拜, 教会, 教會",
    Groove.GOSPEL,
    (70, 84),
    energy=0.65,
    density=4.5,
    reverb=0.5,
    brightness=0.55,
    swing=0.3,
    chord_pace=1.4,
    levels_db={_T.KEYS: 2.0, _T.PAD: 4.5, _T.ARPEGGIO: -1.0, _T.BASS: 1.5, _T.DRUMS: -0.5},
    tone_db=(8.0, -4.5, 0.0, -5.5),
    mix_db=-0.7,
    vocal_db=1.8,
    width_db=5.5,
    interlude_db=-1.5,
    players={
        _T.LEAD: _I.ORGAN,
        _T.KEYS: _I.PIANO,
        _T.PAD: _I.CHOIR,
        _T.BASS: _I.FINGER_BASS,
        _T.ORNAMENT: _I.ORGAN,
        _T.DRUMS: _I.DRUM_KIT,
    },
)
