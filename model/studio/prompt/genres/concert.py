"""Table of stage and concert genres (orchestral, jazz, dance hall, ballroom): for each its names in prompts, tempo
range and style.
"""

from model.studio.prompt.genres.genre import genre
from model.studio.prompt.metre import WALTZ_WORDS
from model.studio.style import Groove, Instrument, Mode, Track

_I, _T = Instrument, Track

CINEMATIC = genre(
    "cinematic",
    "cinematic, orchestral, orchestra, symphonic, film, soundtrack, film score, trailer, classical, fantasy, "
    "电影, 電影, 配乐, 配樂, 管弦, 管弦乐, 交响, 交响乐, 古典, 影视, 原声带",
    Groove.CINEMATIC,
    (76, 88),
    energy=0.7,
    density=3.5,
    reverb=0.7,
    brightness=0.5,
    mode=Mode.MINOR,
    chord_pace=0.6,
    levels_db={_T.PAD: 4.0, _T.BASS: 2.0, _T.DRUMS: 2.0},
    tone_db=(6.5, -5.0, 0.0, -3.0),
    mix_db=-1.6,
    vocal_db=1.7,
    width_db=9.0,
    contrast=1.5,
    interlude_db=0.7,
    players={
        _T.LEAD: _I.VIOLIN,
        _T.KEYS: _I.PIANO,
        _T.PAD: _I.STRINGS,
        _T.BASS: _I.CELLO,
        _T.ARPEGGIO: _I.HARP,
        _T.ORNAMENT: _I.HORN,
        _T.DRUMS: _I.DRUM_KIT,
    },
)

JAZZ = genre(
    "jazz",
    "jazz, swing, blues, big band, lounge, smooth jazz, 爵士, 爵士乐, 爵士樂, 蓝调, 藍調, 布鲁斯, 摇摆乐, 搖擺樂",
    Groove.JAZZ,
    (116, 136),
    energy=0.5,
    density=5.5,
    reverb=0.2,
    brightness=0.5,
    swing=0.3,
    chord_pace=1.7,
    levels_db={_T.KEYS: 2.0, _T.BASS: 2.0, _T.DRUMS: 2.0},
    tone_db=(2.5, -6.0, -3.0, -5.5),
    mix_db=0.0,
    vocal_db=1.4,
    width_db=7.0,
    contrast=0.5,
    interlude_db=-0.7,
    players={
        _T.LEAD: _I.SAXOPHONE,
        _T.KEYS: _I.PIANO,
        _T.GUITAR: _I.CLEAN_GUITAR,
        _T.BASS: _I.ACOUSTIC_BASS,
        _T.ORNAMENT: _I.VIBRAPHONE,
        _T.DRUMS: _I.DRUM_KIT,
    },
)

BOSSA = genre(
    "bossa",
    "bossa nova, bossa, latin, samba, salsa, rumba, tropical, 波萨诺瓦, 波薩諾瓦, 巴萨诺瓦, 拉丁, 桑巴, 伦巴, 热带",
    Groove.BOSSA,
    (124, 136),
    energy=0.45,
    density=4.5,
    reverb=0.3,
    brightness=0.65,
    chord_pace=1.6,
    levels_db={_T.GUITAR: 5.0, _T.BASS: 1.0, _T.DRUMS: 1.0},
    tone_db=(4.5, -4.0, 2.5, -4.0),
    mix_db=-0.5,
    vocal_db=2.1,
    width_db=5.5,
    contrast=0.5,
    interlude_db=-1.2,
    players={
        _T.LEAD: _I.FLUTE,
        _T.KEYS: _I.ELECTRIC_PIANO,
        _T.GUITAR: _I.NYLON_GUITAR,
        _T.BASS: _I.ACOUSTIC_BASS,
        _T.ORNAMENT: _I.VIBRAPHONE,
        _T.DRUMS: _I.DRUM_KIT,
    },
)

WALTZ = genre(
    "waltz",
    WALTZ_WORDS,
    Groove.BALLAD,
    (108, 150),
    energy=0.45,
    density=3.5,
    reverb=0.35,
    brightness=0.55,
    chord_pace=0.9,
    levels_db={_T.KEYS: 2.0, _T.PAD: 1.0},
    tone_db=(9.5, -4.0, 0.0, -8.0),
    mix_db=-0.7,
    width_db=9.0,
    players={
        _T.LEAD: _I.VIOLIN,
        _T.KEYS: _I.ACCORDION,
        _T.PAD: _I.STRINGS,
        _T.BASS: _I.ACOUSTIC_BASS,
        _T.ARPEGGIO: _I.HARP,
        _T.ORNAMENT: _I.CLARINET,
        _T.DRUMS: _I.DRUM_KIT,
    },
)
