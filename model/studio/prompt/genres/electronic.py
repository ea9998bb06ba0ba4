"""Table of electronic genres: for each its names in prompts, tempo range and style."""

from model.studio.prompt.genres.genre import genre
from model.studio.style import Groove, Instrument, Track

_I, _T = Instrument, Track

LOFI = genre(
    "lofi",
    "lofi, lo fi, chillhop, lofi hip hop, chill hop, study beats, 低保真",
    Groove.LOFI,
    (74, 84),
    energy=0.4,
    density=4.0,
    reverb=0.35,
    brightness=0.1,
    swing=0.18,
    chord_pace=0.8,
    levels_db={_T.KEYS: 3.0, _T.BASS: 1.5, _T.DRUMS: 1.0},
    tone_db=(8.0, -6.0, 4.5, -2.5),
    mix_db=-0.1,
    vocal_db=-0.8,
    width_db=6.0,
    contrast=0.3,
    interlude_db=-2.5,
    players={
        _T.LEAD: _I.VIBRAPHONE,
        _T.KEYS: _I.ELECTRIC_PIANO,
        _T.GUITAR: _I.CLEAN_GUITAR,
        _T.PAD: _I.WARM_PAD,
        _T.BASS: _I.FINGER_BASS,
        _T.ORNAMENT: _I.MUSIC_BOX,
        _T.DRUMS: _I.DRUM_KIT,
    },
)

DANCE = genre(
    "dance",
    "dance, edm, house, techno, trance, disco, electronic, electro, electropop, synthpop, synth pop, synthwave, "
    "eurodance, club, 电子, 電子, 电音, 電音, 舞曲, 迪斯科, 电子音乐, 电子舞曲",
    Groove.FOUR_ON_THE_FLOOR,
    (122, 130),
    energy=0.85,
    density=5.5,
    reverb=0.3,
    brightness=0.75,
    chord_pace=0.6,
    levels_db={_T.KEYS: 4.0, _T.PAD: 4.0, _T.ARPEGGIO: 1.0, _T.DRUMS: -1.0},
    tone_db=(6.0, -1.5, -1.5, -8.0),
    mix_db=-2.8,
    vocal_db=3.6,
    width_db=11.5,
    contrast=0.7,
    interlude_db=-0.5,
    players={
        _T.LEAD: _I.SYNTH_LEAD,
        _T.KEYS: _I.POLY_SYNTH,
        _T.PAD: _I.WARM_PAD,
        _T.BASS: _I.SYNTH_BASS,
        _T.ARPEGGIO: _I.POLY_SYNTH,
        _T.ORNAMENT: _I.VIBRAPHONE,
        _T.DRUMS: _I.ELECTRONIC_KIT,
    },
)

DRUM_AND_BASS = genre(
    "drum and bass",
    "drum and bass, drum & bass, drum n bass, drum'n'bass, drum 'n' bass, dnb, d&b, d'n'b, jungle, "
    "breakbeat, liquid dnb, 鼓打贝斯, 鼓打貝斯, 鼓与贝斯, 鼓和贝斯, 鼓贝斯, 碎拍, 丛林舞曲",
    Groove.BREAKBEAT,
    (168, 176),
    energy=0.85,
    density=4.0,
    reverb=0.35,
    brightness=0.75,
    chord_pace=0.35,
    levels_db={_T.KEYS: 2.0, _T.PAD: 5.0, _T.BASS: 4.0, _T.DRUMS: 1.5},
    tone_db=(4.0, -2.0, -1.0, -7.5),
    mix_db=-3.2,
    vocal_db=2.6,
    width_db=8.0,
    players={
        _T.LEAD: _I.SYNTH_LEAD,
        _T.KEYS: _I.ELECTRIC_PIANO,
        _T.PAD: _I.WARM_PAD,
        _T.BASS: _I.SYNTH_BASS,
        _T.ARPEGGIO: _I.POLY_SYNTH,
        _T.DRUMS: _I.ELECTRONIC_KIT,
    },
)

AMBIENT = genre(
    "ambient",
    "ambient, meditation, new age, spa, sleep, drone, soundscape, yoga, 氛围, 氛圍, 冥想, 助眠, 新世纪, 睡眠, 瑜伽",
    Groove.AMBIENT,
    (60, 76),
    energy=0.2,
    density=2.5,
    reverb=0.8,
    brightness=0.35,
    chord_pace=0.3,
    levels_db={_T.PAD: 4.0, _T.ARPEGGIO: 1.0},
    tone_db=(8.0, -6.5, -1.0, -2.0),
    mix_db=3.3,
    vocal_db=-2.5,
    width_db=1.0,
    interlude_db=-1.5,
    players={
        _T.LEAD: _I.SHAKUHACHI,
        _T.KEYS: _I.ELECTRIC_PIANO,
        _T.PAD: _I.WARM_PAD,
        _T.BASS: _I.CELLO,
        _T.ARPEGGIO: _I.HARP,
        _T.ORNAMENT: _I.CHOIR,
    },
)

GAME = genre(
    "game",
    "game, game music, video game, videogame, 8 bit, 8bit, chiptune, chip, retro game, arcade, pixel, "
    "游戏, 遊戲, 游戏音乐, 电子游戏, 像素, 街机, 芯片音乐, 红白机",
    Groove.GAME,
    (140, 152),
    energy=0.75,
    density=6.0,
    reverb=0.05,
    brightness=0.8,
    levels_db={_T.KEYS: 1.5, _T.DRUMS: -1.5, _T.ARPEGGIO: -1.0},
    tone_db=(6.0, -1.0, -2.5, -8.0),
    mix_db=-1.5,
    vocal_db=3.2,
    width_db=6.5,
    contrast=0.3,
    interlude_db=-0.5,
    players={
        _T.LEAD: _I.CHIP_PULSE,
        _T.KEYS: _I.CHIP_SQUARE,
        _T.BASS: _I.CHIP_BASS,
        _T.ARPEGGIO: _I.CHIP_PULSE,
        _T.ORNAMENT: _I.CHIP_SQUARE,
        _T.DRUMS: _I.CHIP_KIT,
    },
)
