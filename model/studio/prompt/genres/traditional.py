"""Table of traditional genres (folk, children's songs, marches): for each its names in prompts, tempo range and
style.
"""

from model.studio.prompt.genres.genre import genre
from model.studio.style import Groove, Instrument, Mode, Track

_I, _T = Instrument, Track

FOLK = genre(
    "folk",
    "folk, acoustic, country, singer songwriter, bluegrass, celtic, campfire, 民谣, 民謠, 乡村, 鄉村, 原声, 不插电, 校园, 校園",
    Groove.FOLK,
    (92, 104),
    energy=0.45,
    density=5.0,
    reverb=0.15,
    brightness=0.55,
    chord_pace=0.8,
    levels_db={_T.GUITAR: 4.0, _T.ARPEGGIO: 1.5, _T.DRUMS: -2.0},
    tone_db=(6.0, -7.5, 0.0, -6.5),
    mix_db=0.9,
    vocal_db=1.7,
    width_db=9.0,
    contrast=0.7,
    interlude_db=0.0,
    players={
        _T.LEAD: _I.FLUTE,
        _T.KEYS: _I.ACCORDION,
        _T.GUITAR: _I.STEEL_GUITAR,
        _T.BASS: _I.ACOUSTIC_BASS,
        _T.ARPEGGIO: _I.NYLON_GUITAR,
        _T.ORNAMENT: _I.VIOLIN,
        _T.DRUMS: _I.DRUM_KIT,
    },
)

CHINESE = genre(
    "guofeng",
    "guofeng, gufeng, pentatonic, chinese, chinese style, chinese folk, folk with chinese, chinese traditional, traditional chinese, oriental, china wind, "
    "中国风, 中國風, 国风, 國風, 古风, 古風, 民族, 民乐, 戏曲, 仙侠, 武侠, 江湖, 五声, 五聲",
    Groove.FOLK,
    (72, 84),
    energy=0.45,
    density=4.5,
    reverb=0.45,
    brightness=0.5,
    mode=Mode.MINOR,
    pentatonic=True,
    chord_pace=0.7,
    levels_db={_T.KEYS: 4.0, _T.ORNAMENT: 1.5, _T.DRUMS: -2.0},
    tone_db=(5.5, -8.0, -4.0, -7.0),
    mix_db=3.7,
    vocal_db=0.1,
    width_db=8.5,
    interlude_db=0.5,
    players={
        _T.LEAD: _I.SHAKUHACHI,
        _T.KEYS: _I.KOTO,
        _T.PAD: _I.SLOW_STRINGS,
        _T.BASS: _I.ACOUSTIC_BASS,
        _T.ARPEGGIO: _I.HARP,
        _T.ORNAMENT: _I.VIOLIN,
        _T.DRUMS: _I.DRUM_KIT,
    },
)

NURSERY = genre(
    "nursery",
    "nursery, nursery rhyme, children, children's song, kids, lullaby, toy, 儿歌, 兒歌, 童谣, 童謠, 儿童, 兒童, 摇篮曲, 搖籃曲, 童趣",
    Groove.NURSERY,
    (102, 116),
    energy=0.45,
    density=4.0,
    reverb=0.2,
    brightness=0.75,
    levels_db={_T.ARPEGGIO: 2.0, _T.KEYS: 1.5},
    tone_db=(3.0, -6.0, 0.5, -4.0),
    mix_db=2.0,
    vocal_db=-0.3,
    width_db=9.0,
    contrast=0.6,
    interlude_db=-1.0,
    players={
        _T.LEAD: _I.VIBRAPHONE,
        _T.KEYS: _I.PIZZICATO,
        _T.BASS: _I.ACOUSTIC_BASS,
        _T.ARPEGGIO: _I.MUSIC_BOX,
        _T.ORNAMENT: _I.CLARINET,
        _T.DRUMS: _I.DRUM_KIT,
    },
)

MARCH = genre(
    "march",
    "march, marching, marching band, military, parade, anthem, 进行曲, 進行曲, 军乐, 軍樂, 军歌, 軍歌, 国歌, 阅兵",
    Groove.MARCH,
    (108, 116),
    energy=0.75,
    density=4.5,
    reverb=0.35,
    brightness=0.6,
    chord_pace=1.5,
    levels_db={_T.KEYS: 3.0, _T.PAD: 2.0, _T.BASS: 2.0, _T.DRUMS: 1.0},
    tone_db=(8.0, -1.0, 0.0, -7.0),
    mix_db=-0.6,
    vocal_db=0.3,
    width_db=6.5,
    contrast=1.2,
    interlude_db=0.5,
    players={
        _T.LEAD: _I.BRASS,
        _T.KEYS: _I.HORN,
        _T.PAD: _I.BRASS,
        _T.BASS: _I.CELLO,
        _T.ARPEGGIO: _I.CLARINET,
        _T.ORNAMENT: _I.FLUTE,
        _T.DRUMS: _I.DRUM_KIT,
    },
)
