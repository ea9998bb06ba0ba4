"""Tables of the words for moods, instruments and voices that the parser of prompts recognises."""

from dataclasses import dataclass

from model.song import Voice
from model.studio.style import Instrument, Mode, Track


@dataclass(frozen=True, slots=True)
class Mood:
    """The effect of a mood on a style: a factor on the tempo, numbers added to the properties of the style that have
    the same names, and a mode (major or minor) if the mood implies one.

    `genre` is the genre of a prompt that names this mood but no genre.
    """

    words: tuple[str, ...]
    tempo_factor: float = 1.0
    energy: float = 0.0
    density: float = 0.0
    reverb: float = 0.0
    brightness: float = 0.0
    register: float = 0.0
    mode: Mode | None = None
    genre: str | None = None


def _words(text: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in text.split(","))


MOODS = (
    Mood(_words("sad, melancholy, melancholic, sorrowful, lonely, heartbroken, nostalgic, bittersweet, 悲伤, "
        "悲傷, 伤感, "
        "傷感, 忧伤, 憂傷, 忧郁, 憂鬱, 难过, 難過, 孤独, 孤獨, 怀旧, 懷舊, 凄美"),
        0.92, energy=-0.1, brightness=-0.1, register=-0.6, mode=Mode.MINOR, genre="ballad"),
    Mood(_words("dark, gloomy, ominous, brooding, tense, mysterious, 黑暗, 阴暗, 陰暗, 神秘, 紧张, 緊張, 压抑, 壓抑"),
        brightness=-0.2, reverb=0.1, register=-0.6, mode=Mode.MINOR, genre="cinematic"),
    Mood(_words("angry, aggressive, fierce, intense, rage, 愤怒, 憤怒, 激烈, 狂野, 暴躁, 生气"),
        1.08, energy=0.25, density=0.5, brightness=0.1, mode=Mode.MINOR, genre="rock"),
    Mood(_words("epic, heroic, grand, majestic, triumphant, anthemic, 史诗, 史詩, 宏大, 大气, 大氣, 磅礴, 恢弘, "
        "壮丽, 壯麗"),
        energy=0.2, reverb=0.15, genre="cinematic"),
    Mood(_words("happy, cheerful, joyful, joyous, sunny, bright, fun, 快乐, 快樂, 欢快, 歡快, 开心, 開心, 愉快, "
        "阳光, 陽光, "
        "明亮, 喜庆, 喜慶, 甜蜜, 甜, 喜悦, 高兴, 高興"), 1.04, energy=0.08, brightness=0.12, register=0.5, mode=Mode.MAJOR),
    Mood(_words("funny, playful, comic, comical, humorous, silly, quirky, cute, whimsical, 搞笑, 滑稽, 幽默, 俏皮, "
        "可爱, 可愛, 诙谐, 詼諧, 顽皮, 頑皮"),
        1.1, density=1.0, reverb=-0.15, brightness=0.12, register=0.6, mode=Mode.MAJOR),
    Mood(_words("inspiring, inspirational, motivational, hopeful, encouraging, optimistic, 励志, 勵志, 希望, 鼓舞, 向上, "
        "积极, 積極, 充满希望"),
        1.03, energy=0.15, reverb=0.1, brightness=0.08, register=0.3, mode=Mode.MAJOR),
    Mood(_words("upbeat, uplifting, energetic, lively, driving, exciting, powerful, 动感, 動感, 活力, 活泼, "
        "活潑, 激昂, "
        "振奋, 振奮, 热血, 熱血, 轻快, 輕快"), 1.05, energy=0.12, density=0.5, brightness=0.05),
    Mood(_words("calm, relaxing, relaxed, peaceful, gentle, soft, mellow, chill, soothing, tender, quiet, 平静, "
        "平靜, 安静, "
        "安靜, 放松, 放鬆, 温柔, 溫柔, 舒缓, 舒緩, 宁静, 寧靜, 柔和, 轻柔, 輕柔, 治愈, 治癒"),
        0.94, energy=-0.2, density=-0.5, brightness=-0.08, register=-0.2, genre="ballad"),
    Mood(_words("romantic, warm, sweet, heartfelt, emotional, tender love, 浪漫, 温暖, 溫暖, 深情, 感人, 温馨, 溫馨"),
        0.97, energy=-0.03, reverb=0.08, brightness=-0.05, genre="ballad"),
    Mood(_words("dreamy, ethereal, atmospheric, spacious, 梦幻, 夢幻, 空灵, 空靈, 飘渺, "
        "飄渺"), energy=-0.1, reverb=0.25, genre="ambient"),
    Mood(_words("melodic, catchy, tuneful, 旋律, 抓耳, 悦耳, 悅耳, beautiful, 优美, 優美, 动听, 好听"), density=0.3),
    Mood(_words("minimal, sparse, simple, 极简, 極簡, 简约, 簡約, 简单, 簡單"), energy=-0.1, density=-1.0),
    Mood(_words("slow, downtempo, slow tempo, 慢速, 慢板, 缓慢, 緩慢, 慢"), 0.84, density=-0.3),
    Mood(_words("fast, quick, uptempo, up tempo, fast tempo, 快速, 快板, 快节奏, 快節奏, 急促"), 1.18, energy=0.08),
    Mood(_words("medium tempo, mid tempo, midtempo, moderate, moderate tempo, 中速, 中板")),
    Mood(_words("high, high pitched, high register, 高音, 高亢"), register=0.7),
    Mood(_words("low, low pitched, low register, 低沉, 深沉"), brightness=-0.05, register=-0.7),
    Mood(_words("minor, minor key, 小调, 小調"), mode=Mode.MINOR),
    Mood(_words("major, major key, 大调, 大調"), mode=Mode.MAJOR),
)  # fmt: skip
"""Moods in the order in which they are applied; if two moods imply a mode, the later one wins."""

_T, _I = Track, Instrument

INSTRUMENTS = (
    (_words("piano, grand piano, 钢琴, 鋼琴"), _T.KEYS, _I.PIANO),
    (_words("electric piano, rhodes, e piano, wurlitzer, 电钢琴, 電鋼琴, 电钢"), _T.KEYS, _I.ELECTRIC_PIANO),
    (_words("organ, 风琴, 管风琴, 風琴"), _T.KEYS, _I.ORGAN),
    (_words("accordion, harmonica, 手风琴, 手風琴, 口琴"), _T.KEYS, _I.ACCORDION),
    (_words("koto, guzheng, zither, pipa, guqin, 古筝, 古箏, 琵琶, 古琴, 扬琴, 揚琴, 阮, 三弦"), _T.KEYS, _I.KOTO),
    (_words("guitar, guitars, acoustic guitar, steel guitar, ukulele, banjo, 吉他, 木吉他, 尤克里里"),
        _T.GUITAR, _I.STEEL_GUITAR),
    (_words("nylon guitar, classical guitar, spanish guitar, 古典吉他, 尼龙吉他"), _T.GUITAR, _I.NYLON_GUITAR),
    (_words("clean guitar, jazz guitar"), _T.GUITAR, _I.CLEAN_GUITAR),
    (_words("electric guitar, electric guitars, distorted guitar, distorted guitars, overdriven guitar, 电吉他, "
        "電吉他, "
        "失真吉他"), _T.GUITAR, _I.OVERDRIVEN_GUITAR),
    (_words("strings, string section, string ensemble, 弦乐, 弦樂, 提琴组"), _T.PAD, _I.STRINGS),
    (_words("choir, choral, 合唱, 合唱团, 合唱團"), _T.PAD, _I.CHOIR),
    (_words("brass, trumpet, trumpets, trombone, 铜管, 銅管, 小号, 小號"), _T.PAD, _I.BRASS),
    (_words("pad, pads, synth pad"), _T.PAD, _I.WARM_PAD),
    (_words("harp, 竖琴, 豎琴, 箜篌"), _T.ARPEGGIO, _I.HARP),
    (_words("pizzicato, 拨弦, 撥弦"), _T.ARPEGGIO, _I.PIZZICATO),
    (_words("synth, synths, synthesizer, synthesiser, 合成器"), _T.ARPEGGIO, _I.POLY_SYNTH),
    (_words("bass guitar, electric bass, 电贝斯, 電貝斯, 贝斯, 貝斯"), _T.BASS, _I.FINGER_BASS),
    (_words("double bass, upright bass, acoustic bass, contrabass, 低音提琴"), _T.BASS, _I.ACOUSTIC_BASS),
    (_words("synth bass, 808"), _T.BASS, _I.SYNTH_BASS),
    (_words("flute, 长笛, 長笛, 笛"), _T.LEAD, _I.FLUTE),
    (_words("shakuhachi, dizi, bamboo flute, xiao, chinese flute, 笛子, 竹笛, 箫, 簫, 洞箫, 洞簫, 尺八"),
        _T.LEAD, _I.SHAKUHACHI),
    (_words("violin, fiddle, erhu, 小提琴, 二胡"), _T.LEAD, _I.VIOLIN),
    (_words("cello, 大提琴, 马头琴, 馬頭琴"), _T.LEAD, _I.CELLO),
    (_words("saxophone, sax, 萨克斯, 薩克斯, 色士风"), _T.LEAD, _I.SAXOPHONE),
    (_words("oboe, 双簧管, 雙簧管, 唢呐, 嗩吶"), _T.LEAD, _I.OBOE),
    (_words("clarinet, 单簧管, 單簧管, 黑管"), _T.LEAD, _I.CLARINET),
    (_words("horn, french horn, 圆号, 圓號"), _T.ORNAMENT, _I.HORN),
    (_words("music box, celesta, 八音盒, 音乐盒, 音樂盒"), _T.LEAD, _I.MUSIC_BOX),
    (_words("vibraphone, vibes, marimba, bells, glockenspiel, xylophone, 颤音琴, 木琴, 铃铛, 钟琴"),
        _T.ORNAMENT, _I.VIBRAPHONE),
    (_words("chip lead, chip sounds, 8 bit lead"), _T.LEAD, _I.CHIP_PULSE),
    (_words("drum machine, electronic drums, 808 drums, 808s, 电子鼓, 電子鼓, 鼓机, 鼓機"), _T.DRUMS, _I.ELECTRONIC_KIT),
    (_words("synth lead, lead synth, theremin"), _T.LEAD, _I.SYNTH_LEAD),
)  # fmt: skip
"""Words for instruments, with the track and the instrument; if two entries name the same track, the later, more
specific one wins.
"""

PLAYERS_ALONE = (
    (_words("solo piano, piano solo, piano only, only piano, just piano, 钢琴独奏, 鋼琴獨奏, 纯钢琴, 純鋼琴, 钢琴曲"),
        ((_T.LEAD, _I.PIANO), (_T.KEYS, _I.PIANO))),
    (_words("solo guitar, guitar solo piece, guitar only, only guitar, 吉他独奏, 吉他獨奏, 纯吉他"),
        ((_T.LEAD, _I.NYLON_GUITAR), (_T.GUITAR, _I.NYLON_GUITAR))),
    (_words("string quartet, 弦乐四重奏, 弦樂四重奏"),
        ((_T.LEAD, _I.VIOLIN), (_T.PAD, _I.STRINGS), (_T.BASS, _I.CELLO))),
)  # fmt: skip
"""Words that restrict the song to the given tracks and instruments."""

SECTIONS = (
    (_words("bass, bassline, bass line, low end, 低音"), _T.BASS),
    (_words("keys, keyboard, keyboards, 键盘, 鍵盤"), _T.KEYS),
    (_words("pad, pads"), _T.PAD),
    (_words("arpeggio, arpeggios, 琶音"), _T.ARPEGGIO),
)
"""Words in a prompt for whole tracks of the accompaniment; a track is silent if the prompt negates its word."""

VOICES = (
    (_words("female, female vocal, female vocals, female voice, female singer, woman singing, girl group, girl singer, "
        "soprano, alto, 女声, 女聲, 女生, 女歌手, 女主唱, 女嗓, 女孩唱, 女人唱, 她唱, 她的声音"), Voice.FEMALE),
    (_words("male, male vocal, male vocals, male voice, male singer, man singing, boy band, boy singer, tenor, baritone, "
        "男声, 男聲, 男生, 男歌手, 男主唱, 男嗓, 男孩唱, 男人唱, 他唱, 他的声音"), Voice.MALE),
)  # fmt: skip
"""Words in a prompt for singers, each group with the voice that it asks for."""
