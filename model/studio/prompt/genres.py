"""The genres that a prompt may name, and how each is played unless the prompt says more."""

from dataclasses import dataclass

from model.studio.style import Groove, Instrument, Mode, Style, Track

_I, _T = Instrument, Track


@dataclass(frozen=True, slots=True)
class Genre:
    """A style to start from, the tempi it is played at, and the words that name it (Latin ones in lower case)."""

    words: tuple[str, ...]
    tempo_range_bpm: tuple[float, float]
    style: Style


def _genre(
    name: str,
    words: str,
    groove: Groove,
    tempo_range_bpm: tuple[float, float],
    *,
    energy: float,
    density: float,
    reverb: float,
    brightness: float,
    players: dict[Track, Instrument],
    mode: Mode = Mode.MAJOR,
    swing: float = 0.0,
    pentatonic: bool = False,
    chord_pace: float = 1.0,
    levels_db: dict[Track, float] | None = None,
    mix_db: float = 0.0,
    vocal_db: float = 0.0,
) -> Genre:
    tempo_bpm = sum(tempo_range_bpm) / 2
    instruments = tuple(players.items())
    style = Style(
        name,
        groove,
        mode,
        tempo_bpm,
        energy,
        density,
        swing,
        reverb,
        brightness,
        instruments,
        pentatonic=pentatonic,
        chord_pace=chord_pace,
        levels_db=tuple((levels_db or {}).items()),
        mix_db=mix_db,
        vocal_db=vocal_db,
    )
    return Genre(tuple(word.strip() for word in words.split(",")), tempo_range_bpm, style)


POP = _genre(
    "pop",
    "pop, indie, indie pop, mandopop, c pop, cpop, cantopop, k pop, kpop, j pop, jpop, 流行, 流行乐, 流行樂, 流行音乐",
    Groove.POP,
    (96, 110),
    energy=0.6,
    density=5.0,
    reverb=0.3,
    brightness=0.6,
    mix_db=-2.6,
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

_BALLAD = _genre(
    "ballad",
    "ballad, soft rock, rock ballad, power ballad, slow song, love song, 抒情, 抒情歌, 情歌, 苦情, 慢歌, 叙事曲",
    Groove.BALLAD,
    (66, 80),
    energy=0.45,
    density=4.0,
    reverb=0.55,
    brightness=0.45,
    levels_db={_T.PAD: 2.0, _T.KEYS: 1.5, _T.DRUMS: -1.5},
    mix_db=-0.8,
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

_ROCK = _genre(
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
    mix_db=-5.2,
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

_LOFI = _genre(
    "lofi",
    "lofi, lo fi, chillhop, lofi hip hop, chill hop, study beats, 低保真",
    Groove.LOFI,
    (74, 88),
    energy=0.4,
    density=4.0,
    reverb=0.35,
    brightness=0.1,
    swing=0.18,
    chord_pace=0.8,
    levels_db={_T.KEYS: 3.0, _T.BASS: 1.5, _T.DRUMS: 1.0},
    mix_db=-2.2,
    vocal_db=-0.8,
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

_FOLK = _genre(
    "folk",
    "folk, acoustic, country, singer songwriter, bluegrass, celtic, campfire, 民谣, 民謠, 乡村, 鄉村, 原声, 不插电, 校园, 校園",
    Groove.FOLK,
    (88, 108),
    energy=0.45,
    density=5.0,
    reverb=0.15,
    brightness=0.55,
    chord_pace=0.8,
    levels_db={_T.GUITAR: 4.0, _T.ARPEGGIO: 1.5, _T.DRUMS: -2.0},
    mix_db=-1.0,
    vocal_db=1.0,
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

_CHINESE = _genre(
    "guofeng",
    "guofeng, gufeng, pentatonic, chinese, chinese style, chinese folk, folk with chinese, chinese traditional, traditional chinese, oriental, china wind, "
    "中国风, 中國風, 国风, 國風, 古风, 古風, 民族, 民乐, 戏曲, 仙侠, 武侠, 江湖, 五声, 五聲",
    Groove.FOLK,
    (72, 90),
    energy=0.45,
    density=4.5,
    reverb=0.45,
    brightness=0.5,
    mode=Mode.MINOR,
    pentatonic=True,
    chord_pace=0.7,
    levels_db={_T.KEYS: 4.0, _T.ORNAMENT: 1.5, _T.DRUMS: -2.0},
    mix_db=-0.9,
    vocal_db=-0.3,
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

_DANCE = _genre(
    "dance",
    "dance, edm, house, techno, trance, disco, electronic, electro, electropop, synthpop, synth pop, synthwave, "
    "eurodance, club, 电子, 電子, 电音, 電音, 舞曲, 迪斯科, 电子音乐, 电子舞曲",
    Groove.FOUR_ON_THE_FLOOR,
    (120, 128),
    energy=0.85,
    density=5.5,
    reverb=0.3,
    brightness=0.75,
    chord_pace=0.6,
    levels_db={_T.KEYS: 4.0, _T.PAD: 4.0, _T.ARPEGGIO: 1.0, _T.DRUMS: -1.0},
    mix_db=-4.6,
    vocal_db=2.8,
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

_CINEMATIC = _genre(
    "cinematic",
    "cinematic, orchestral, orchestra, symphonic, film, soundtrack, film score, trailer, classical, fantasy, "
    "电影, 電影, 配乐, 配樂, 管弦, 管弦乐, 交响, 交响乐, 古典, 影视, 原声带",
    Groove.CINEMATIC,
    (74, 96),
    energy=0.7,
    density=3.5,
    reverb=0.6,
    brightness=0.5,
    mode=Mode.MINOR,
    chord_pace=0.6,
    levels_db={_T.PAD: 4.0, _T.BASS: 2.0, _T.DRUMS: 2.0},
    mix_db=-2.9,
    vocal_db=0.9,
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

_JAZZ = _genre(
    "jazz",
    "jazz, swing, blues, big band, lounge, smooth jazz, 爵士, 爵士乐, 爵士樂, 蓝调, 藍調, 布鲁斯, 摇摆乐, 搖擺樂",
    Groove.JAZZ,
    (96, 132),
    energy=0.5,
    density=5.5,
    reverb=0.2,
    brightness=0.5,
    swing=0.3,
    chord_pace=1.7,
    levels_db={_T.KEYS: 2.0, _T.BASS: 2.0, _T.DRUMS: 2.0},
    mix_db=-1.3,
    vocal_db=1.4,
    players={
        _T.LEAD: _I.SAXOPHONE,
        _T.KEYS: _I.PIANO,
        _T.GUITAR: _I.CLEAN_GUITAR,
        _T.BASS: _I.ACOUSTIC_BASS,
        _T.ORNAMENT: _I.VIBRAPHONE,
        _T.DRUMS: _I.DRUM_KIT,
    },
)

_NURSERY = _genre(
    "nursery",
    "nursery, nursery rhyme, children, children's song, kids, lullaby, toy, 儿歌, 兒歌, 童谣, 童謠, 儿童, 兒童, 摇篮曲, 搖籃曲, 童趣",
    Groove.NURSERY,
    (96, 120),
    energy=0.45,
    density=4.0,
    reverb=0.2,
    brightness=0.75,
    levels_db={_T.ARPEGGIO: 2.0, _T.KEYS: 1.5},
    mix_db=0.6,
    vocal_db=-0.3,
    players={
        _T.LEAD: _I.VIBRAPHONE,
        _T.KEYS: _I.PIZZICATO,
        _T.BASS: _I.ACOUSTIC_BASS,
        _T.ARPEGGIO: _I.MUSIC_BOX,
        _T.ORNAMENT: _I.CLARINET,
        _T.DRUMS: _I.DRUM_KIT,
    },
)

_AMBIENT = _genre(
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
    mix_db=1.2,
    vocal_db=-2.5,
    players={
        _T.LEAD: _I.SHAKUHACHI,
        _T.KEYS: _I.ELECTRIC_PIANO,
        _T.PAD: _I.WARM_PAD,
        _T.BASS: _I.CELLO,
        _T.ARPEGGIO: _I.HARP,
        _T.ORNAMENT: _I.CHOIR,
    },
)

_BOSSA = _genre(
    "bossa",
    "bossa nova, bossa, latin, samba, salsa, rumba, tropical, 波萨诺瓦, 波薩諾瓦, 巴萨诺瓦, 拉丁, 桑巴, 伦巴, 热带",
    Groove.BOSSA,
    (118, 138),
    energy=0.45,
    density=4.5,
    reverb=0.3,
    brightness=0.65,
    chord_pace=1.6,
    levels_db={_T.GUITAR: 5.0, _T.BASS: 1.0, _T.DRUMS: 1.0},
    mix_db=-2.8,
    vocal_db=2.1,
    players={
        _T.LEAD: _I.FLUTE,
        _T.KEYS: _I.ELECTRIC_PIANO,
        _T.GUITAR: _I.NYLON_GUITAR,
        _T.BASS: _I.ACOUSTIC_BASS,
        _T.ORNAMENT: _I.VIBRAPHONE,
        _T.DRUMS: _I.DRUM_KIT,
    },
)

_RNB = _genre(
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
    mix_db=-2.0,
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

_HIP_HOP = _genre(
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
    mix_db=-1.9,
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

_MARCH = _genre(
    "march",
    "march, marching, marching band, military, parade, anthem, 进行曲, 進行曲, 军乐, 軍樂, 军歌, 軍歌, 国歌, 阅兵",
    Groove.MARCH,
    (108, 118),
    energy=0.75,
    density=4.5,
    reverb=0.35,
    brightness=0.6,
    chord_pace=1.5,
    levels_db={_T.KEYS: 3.0, _T.PAD: 2.0, _T.BASS: 2.0, _T.DRUMS: 1.0},
    mix_db=-1.5,
    vocal_db=0.3,
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

_GAME = _genre(
    "game",
    "game, game music, video game, videogame, 8 bit, 8bit, chiptune, chip, retro game, arcade, pixel, "
    "游戏, 遊戲, 游戏音乐, 电子游戏, 像素, 街机, 芯片音乐, 红白机",
    Groove.GAME,
    (138, 156),
    energy=0.75,
    density=6.0,
    reverb=0.1,
    brightness=0.8,
    levels_db={_T.KEYS: 1.5, _T.DRUMS: -1.5, _T.ARPEGGIO: -1.0},
    mix_db=-4.3,
    vocal_db=3.2,
    players={
        _T.LEAD: _I.CHIP_PULSE,
        _T.KEYS: _I.CHIP_SQUARE,
        _T.BASS: _I.CHIP_BASS,
        _T.ARPEGGIO: _I.CHIP_PULSE,
        _T.ORNAMENT: _I.CHIP_SQUARE,
        _T.DRUMS: _I.CHIP_KIT,
    },
)

GENRES = (
    _BALLAD,
    _ROCK,
    _LOFI,
    _FOLK,
    _CHINESE,
    _DANCE,
    _CINEMATIC,
    _JAZZ,
    _NURSERY,
    _AMBIENT,
    _BOSSA,
    _RNB,
    _HIP_HOP,
    _MARCH,
    _GAME,
    POP,
)
