"""Table of pop, rock and related genres: for each its names in prompts, tempo range and style."""

from model.studio.prompt.genres.genre import genre
from model.studio.style import Groove, Instrument, Track

_I, _T = Instrument, Track

POP = genre(
    "pop",
    "pop, indie, indie pop, mandopop, c pop, cpop, cantopop, k pop, kpop, j pop, jpop, 流行, 流行乐, 流行樂, 流行音乐",
    Groove.POP,
    (96, 110),
    energy=0.6,
    density=5.0,
    reverb=0.3,
    brightness=0.6,
    tone_db=(6.0, -4.5, 0.0, -2.5),
    mix_db=-1.9,
    vocal_db=2.7,
    players={
        _T.LEAD: _I.FLUTE,
        _T.KEYS: _I.PIANO,
        _T.GUITAR: _I.CLEAN_GUITAR,
        _T.PAD: _I.STRINGS,
        _T.BASS: _I.FINGER_BASS,
        _T.ARPEGGIO: _I.HARP,
        _T.ORNAMENT: _I.VIBRAPHONE,
        _T.DRUMS: _I.DRUM_KIT,
    },
)

BALLAD = genre(
    "ballad",
    "ballad, soft rock, rock ballad, power ballad, slow song, love song, 抒情, 抒情歌, 情歌, 苦情, 慢歌, 叙事曲",
    Groove.BALLAD,
    (66, 80),
    energy=0.45,
    density=4.0,
    reverb=0.55,
    brightness=0.45,
    levels_db={_T.PAD: 2.0, _T.KEYS: 1.5, _T.DRUMS: -1.5},
    tone_db=(6.0, -5.5, 0.0, 0.0),
    mix_db=2.2,
    vocal_db=-0.8,
    players={
        _T.LEAD: _I.OBOE,
        _T.KEYS: _I.PIANO,
        _T.GUITAR: _I.NYLON_GUITAR,
        _T.PAD: _I.SLOW_STRINGS,
        _T.BASS: _I.FINGER_BASS,
        _T.ARPEGGIO: _I.HARP,
        _T.ORNAMENT: _I.CELLO,
        _T.DRUMS: _I.DRUM_KIT,
    },
)

ROCK = genre(
    "rock",
    "rock, punk, metal, grunge, britpop, garage rock, 摇滚, 搖滾, 朋克, 金属, 金屬, 乐队, 樂隊",
    Groove.ROCK,
    (116, 138),
    energy=0.85,
    density=5.0,
    reverb=0.25,
    brightness=0.7,
    chord_pace=0.7,
    levels_db={_T.GUITAR: 6.0, _T.DRUMS: -1.0, _T.BASS: 1.0},
    tone_db=(6.5, -2.0, 0.5, -2.5),
    mix_db=-2.8,
    vocal_db=4.0,
    players={
        _T.LEAD: _I.SYNTH_LEAD,
        _T.KEYS: _I.ORGAN,
        _T.GUITAR: _I.OVERDRIVEN_GUITAR,
        _T.BASS: _I.FINGER_BASS,
        _T.ORNAMENT: _I.CLEAN_GUITAR,
        _T.DRUMS: _I.DRUM_KIT,
    },
)

RNB = genre(
    "rnb",
    "r&b, rnb, r and b, soul, neo soul, slow jam, funk, groovy, 节奏布鲁斯, 節奏藍調, 节奏蓝调, 灵魂乐, 靈魂樂, 放克",
    Groove.RNB,
    (66, 78),
    energy=0.5,
    density=5.5,
    reverb=0.35,
    brightness=0.5,
    swing=0.1,
    chord_pace=1.3,
    levels_db={_T.KEYS: 3.0, _T.BASS: 2.5, _T.DRUMS: 1.5},
    tone_db=(3.0, -5.5, 0.5, -0.5),
    mix_db=1.0,
    vocal_db=0.8,
    players={
        _T.LEAD: _I.SAXOPHONE,
        _T.KEYS: _I.ELECTRIC_PIANO,
        _T.GUITAR: _I.CLEAN_GUITAR,
        _T.PAD: _I.WARM_PAD,
        _T.BASS: _I.SYNTH_BASS,
        _T.ORNAMENT: _I.CHOIR,
        _T.DRUMS: _I.ELECTRONIC_KIT,
    },
)

HIP_HOP = genre(
    "hip hop",
    "hip hop, hiphop, rap, trap, boom bap, drill, 嘻哈, 说唱, 說唱, 饶舌, 饒舌",
    Groove.RNB,
    (84, 96),
    energy=0.7,
    density=6.0,
    reverb=0.15,
    brightness=0.6,
    swing=0.06,
    chord_pace=0.6,
    levels_db={_T.BASS: 3.0, _T.DRUMS: 1.0},
    tone_db=(0.5, -6.5, -2.0, -4.0),
    mix_db=0.5,
    vocal_db=1.5,
    players={
        _T.LEAD: _I.SYNTH_LEAD,
        _T.KEYS: _I.PIANO,
        _T.PAD: _I.STRINGS,
        _T.BASS: _I.SYNTH_BASS,
        _T.ORNAMENT: _I.MUSIC_BOX,
        _T.DRUMS: _I.ELECTRONIC_KIT,
    },
)
