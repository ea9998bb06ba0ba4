"""Chooses the pinyin reading of a Chinese character with several readings (a polyphone) from the characters around it.

The rules apply where no known word that contains the character gives its reading. Readings have a tone digit, before
tone sandhi. Patterns are written in simplified characters, are matched at the position of the character, and may
include the characters before it.
"""

import re
from collections.abc import Mapping
from types import MappingProxyType

_COUNTED = "一二两三四五六七八九十百千万几数半每双"
_PRONOUNS = "我你您他她它咱谁"
_SURNAMES = (
    "曾zeng1 单shan4 仇qiu2 任ren2 解xie4 区ou1 朴piao2 查zha1 盖ge3 华hua4 乐yue4 翟zhai2 纪ji3 宁ning4 牟mu4 燕yan1 "
    "应ying1 葛ge3 员yun4 折she2 繁po2 覃qin2 哈ha3 盛sheng4 召shao4 祭zhai4 相xiang4 黑he4 洗xian3 种chong2 那na1 "
    "曲qu1 车che1 卜bu3 贾jia3 尉yu4 缪miao4 晁chao2 晟cheng2 钻zuan1 隗wei3 郗xi1 冼xian3 谌chen2 幺yao1 过guo1 "
    "能nai4 都du1 撒sa3 秘bi4 朱zhu1 尹yin3 柏bai3 薄bo2 俞yu2 臧zang1 长zhang3 余yu2 佴nai4 句gou1"
)
"""Readings of characters as a family name, after 姓."""

_RULES = (
    f"行 (?<=[{_COUNTED}这那哪某])行(?![人走为程车动李星驶]|[一二三四五六七八九十几数]+人)=hang2",
    "行 (?<=[首末头每第])行(?=[字诗泪歌词文]|$)=hang2",
    "行 (?<=一)行(?=行)=hang2",
    "行 (?<=[一几两]行)行(?!一)=hang2",
    "重 重(?=重(?:地|一|的[一打敲摔撞压砸]))=zhong4",
    "重 (?<=重)重(?=地|一[击摔拍跌拳锤]|[摔跌砸打敲压])=zhong4",
    f"重 (?<=[{_COUNTED}多层])重(?![量要视大点伤生感病情返])=chong2",
    "重 (?<=[山水云雾天楼门关])一?重(?=$|[又山水云雾门])=chong2",
    f"重 重(?=[{_PRONOUNS}])=chong2",
    (
        "重 重(?=[来复现写游见唱活拾燃归逢新温返启演播放整登修映开塑置听读走说回建组构造叠申聚圆合遇获做考印"
        "版审提述蹈译选购装绘画编练试拍洗拼弹铸披穿握踏临访展描搭配数算录捡挑敲叠谈染燃温盼许誓论诉])=chong2"
    ),
    f"种 (?<=[{_COUNTED}这那哪])种=zhong3",
    "种 (?<![各某何多种])种(?=[下在过了出着满花树菜草豆田瓜]|[一两几][棵颗片朵株排行])=zhong4",
    f"只 (?<=[{_COUNTED}哪])(?<!唯一)(?<!万一)只(?![有要是能会想为怕求剩差])=zhi1",
    "中 (?<=[猜射打击看选说砸刺押])中(?![国间心午秋途年的]|注定)=zhong4",
    "中 (?<![心梦途雨风空手眼])中(?=[奖毒弹箭邪计招蛊]|了?[你我他她它]?的?(?:[奖毒弹箭邪计招魔蛊]|圈套))=zhong4",
    (
        "着 (?<=[睡摸找见看够猜管碰抓遇用等买借犯逮追赶捞打数得])(?<=[得不][睡摸找见看够猜管碰抓遇用等买借犯"
        "逮追赶捞打数得])着=zhao2"
    ),
    "着 (?<=[睡摸找见看够猜管碰抓遇用等买借犯逮追赶捞打数][得不])着=zhao2",
    "着 (?<=睡)着(?=了|的|$)=zhao2",
    "着 (?<=[^从])着(?=[手眼重力色实风地]|落[下叶花日雨雪]|想[你我他她念起家象要]|火[光红焰]|急切|凉风)=zhe5",
    "着 着(?=了[魔迷火凉慌道])=zhao2",
    (
        f"还 还(?=[{_PRONOUNS}]们?(?:的|一|自由|青春|清白|公道|幸福|眼泪|情|债|命|个|心|梦|江山|河山|世界|今生"
        "|来世|余生|份|[千万百]))=huan2"
    ),
    f"还 (?<=来)还(?=[{_PRONOUNS}])=huan2",
    f"还 还(?=[{_PRONOUNS}]们?$)=huan2",
    (
        "还 还(?=一个?[清公交份人]|[给债钱款贷账清乡魂俗愿击手嘴礼珠]|了[你我他她债钱情愿吧吗]|了$|[的吗吧呢"
        "啊呀]$)(?!还[的]确)=huan2"
    ),
    "还 (?<=[把将].)还(?=[来回去给到])=huan2",
    "还 (?<=[把将]..)还(?=[来回去给到])=huan2",
    "还 (?<=[把将]...)还(?=[来回去给到])=huan2",
    "还 (?<=[把将]....)还(?=[来回去给到])=huan2",
    "还 还(?=不还|不了(?!解)|不?[起清尽完](?![楚醒晰静整全美善好]))=huan2",
    "还 (?<=还不)还=huan2",
    "还 (?<=还没)还(?=[完清])=huan2",
    "还 还(?=完(?![整全美善好]))=huan2",
    "还 (?<=.)还$=huan2",
    "觉 (?:(?<=睡.)|(?<=睡..)|(?<=[一懒午]))(?<![感知察发])觉(?![得悟])=jiao4",
    "发 (?<=[头秀长短卷黑白银金红鬓理毛染剪披华])发(?![现生光育展热抖誓出亮])=fa4",
    "发 发(?=[梢丝髻尾])=fa4",
    f"教 (?<![宗佛主请])教(?=[{_PRONOUNS}人过])=jiao1",
    "教 (?<=[谁妈爸爷师])教(?![室堂育师书])=jiao1",
    f"教 教(?=会[{_PRONOUNS}人了])=jiao1",
    "长 长(?=相(?:思|守|忆|伴|依|随|厮|知|望|爱|惜|会|聚|许|送|别离))=chang2",
    "长 (?<=越)长(?=越)=zhang3",
    "长 (?<=长越)长=zhang3",
    "长 (?<![人一今余此平]生)(?<=[生成增滋疯])长(?![长久夜河路发])=zhang3",
    (
        "长 (?<=[校队市船部局酋班团院家社店馆台所村乡镇县省区州组站厂处科营连排军师族会董])长(?![长久夜河路发"
        "江城安大得出成满])=zhang3"
    ),
    "长 (?<![夜路发日太身情水影天漫悠绵])长(?=[大出高满成在得着胖]|了(?:翅膀|[一两几双个]|[心角芽草毛眼]))=zhang3",
    "长 长(?=长[了到])=zhang3",
    "长 长(?=到[腰肩膝地脚])=zhang3",
    "转 转(?=圈|悠|来转去|个不停|[啊呀]转|动|[了过着]?[一二两三四五六七八九十几好多半无数个]+圈)=zhuan4",
    "转 (?<=转来)转=zhuan4",
    "转 (?<=转[啊呀])转=zhuan4",
    "转 (?<=团团|晕头|不停|停地)转=zhuan4",
    "转 (?<=[打轮])转=zhuan4",
    "转 转(?=转)=zhuan4",
    "转 (?<=转)转=zhuan4",
    "转 (?:(?<=[绕围]着.)|(?<=[绕围]着..)|(?<=[绕围]着...)|(?<=[绕围]着....))转(?![身眼弯头角])=zhuan4",
    "转 (?:(?<=[球轮车盘螺针]在)|(?<=[球轮车盘螺针]))转(?![身眼弯头角折变移念])=zhuan4",
    "转 (?<=[停圈]地)转(?![身眼弯头])=zhuan4",
    "背 背(?=起|着?(?:书包|包|行囊|吉他|行李|篓|带|负)|[你我他她](?:回|走|过|上|下))=bei1",
    "背 (?<=.)背(?=上[你我他她行书背包])=bei1",
    "当 (?:(?<=[把拿].)|(?<=[把拿]..)|(?<=[把拿]...)|(?<=[把拿]....))当(?![初时年然前场面])=dang4",
    "当 当(?=傻瓜|宝贝|笑话|玩笑)=dang4",
    "应 (?<=答)应=ying5",
    "调 调(?=[成到高低整])=tiao2",
    (
        "数 数(?=一二|绵?羊|钱|拍|秒|[着到过不完清]|了[一又几]|[星日]|有?几[颗遍次个]|[一二三四五六七八九十]+"
        "[颗遍声下])=shu3"
    ),
    f"数 (?<=[{_PRONOUNS}们来去静慢起在])数(?![字据学量目码次年月十百千万百])=shu3",
    "空 (?<=有)空(?=$|[来去就再的吗吧时了])=kong4",
    "空 (?<=[没抽得])空(?=$|[来去了])=kong4",
    "切 切(?=[开断成碎片])=qie1",
    "系 系(?=[上着紧住好]|在[腰手脚头脖身树一])=ji4",
    "盛 盛(?=满|一[碗杯盘]|饭|汤|水|不下|酒|进|着)=cheng2",
    "倒 倒(?=了?[一半两几满]*[杯碗壶点些]|[酒水茶汤进出掉入满]|[也是想要挺还]|不如|着[走数看])=dao4",
    "倒 (?<=[给替为][你我他她])倒(?![下在了])=dao4",
    "倒 倒(?=[立影流退映数带背挂转叙置计])=dao4",
    "似 似(?=[的地])=shi4",
    "落 (?:(?<=把.)|(?<=把..)|(?<=把...))落(?=在)=la4",
    "为 (?<=以.)为(?=[荣耻伴邻证家名例题由戒鉴主先本重准界限期媒凭])=wei2",
    "为 为(?=[敌伴邻证荣耻止难王伍期时数先本尊准限界由例题鉴凭媒奴师妻夫官善恶尘灰烬蝶家名生乐]$)=wei2",
    f"曲 (?<=[这那此一新旧老首{_COUNTED}])曲=qu3",
    "散 (?<=[不未已])散=san4",
    f"载 (?<=[{_COUNTED}])载(?![着你我他她歌客货满不重人舟])=zai3",
    f"宿 (?<=[{_COUNTED}整])宿(?![命舍敌醉愿])=xiu3",
    f"更 (?<=[{_COUNTED}残初])更(?![多好加爱深美长大高远近快慢不是]|$)=geng1",
    "干 (?<=[泪汗水墨血])干(?=$|[的了心眼])=gan1",
    "干 (?:(?<=[泪汗水墨]没)|(?<=[泪汗水墨]还没)|(?<=[泪汗水墨]也没)|(?<=[泪汗水墨]未))干=gan1",
    "干 (?<=[流泪擦吹风喝吸榨哭晒烘烤烧抹饮未已熬])干(?![什嘛吗啥活])=gan1",
    "干 干(?=[了完]?这?[杯碗])=gan1",
    "干 干(?=[了过着]|[什嘛啥]|[一这那]行|得[了漂])=gan4",
    "没 (?:(?<=[水雪草沙海潮泪雾])|(?<=[水雪草沙海潮泪雾]渐))没(?=过|了?[头顶膝脚])=mo4",
    "难 (?<=[苦灾磨患劫遇避逃落受殉遭危])难(?![过受道得以免怪])=nan4",
    "乐 (?<=仁者)乐=yao4",
    "乐 (?<=智者)乐=yao4",
    "朝 朝(?=[辞如发云暮霞阳])=zhao1",
    "朝 (?<=明)朝(?=$)=chao2",
    "藏 (?<=西)藏=zang4",
    "卷 (?<=[第上中下])卷(?![起走入])=juan4",
    "挑 (?<=[眉一])挑$=tiao3",
    "相 (?<=[真])相(?![信爱似思同])=xiang4",
    "宁 宁(?=[可愿肯死])=ning4",
    "强 强(?=[颜求迫逼])=qiang3",
    "尽 尽(?![管量快早可])=jin4",
    "撒 撒(?=[娇谎手野网开欢腿])=sa1",
    "散 散(?=[文漫架])=san3",
    "姐 (?<=姐)姐=jie5",
    "奶 (?<=奶)奶=nai5",
    "嫂 (?<=嫂)嫂=sao5",
)
"""Rules: a character, a pattern, and the character's reading where the pattern matches. The first matching rule of a
character applies.
"""

_LONE = MappingProxyType(
    {
        "曲": "qu3",
        "弹": "tan2",
        "片": "pian4",
        "落": "luo4",
        "薄": "bo2",
        "铺": "pu1",
        "长": "chang2",
        "嚼": "jiao2",
        "倒": "dao3",
        "似": "si4",
        "蒙": "meng2",
        "闷": "men4",
        "勒": "le4",
        "划": "hua2",
        "卷": "juan3",
        "散": "san4",
        "塞": "sai1",
        "咽": "yan4",
        "晕": "yun1",
        "折": "zhe2",
        "钻": "zuan1",
        "占": "zhan4",
        "拧": "ning3",
        "扇": "shan4",
        "粘": "zhan1",
        "挣": "zheng4",
        "涨": "zhang3",
        "晃": "huang4",
        "奔": "ben1",
        "谁": "shei2",
        "吓": "xia4",
        "抹": "mo3",
        "磨": "mo2",
        "挨": "ai1",
        "撒": "sa3",
        "肖": "xiao1",
        "漂": "piao1",
        "翘": "qiao4",
        "媛": "yuan2",
        "晟": "sheng4",
        "什": "shi2",
        "幢": "zhuang4",
        "掺": "chan1",
        "拽": "zhuai4",
        "仆": "pu2",
        "杠": "gang4",
        "蛤": "ge2",
        "葛": "ge3",
        "阙": "que4",
        "椎": "zhui1",
        "翟": "zhai2",
        "耶": "ye1",
        "卜": "bu3",
        "琢": "zhuo2",
        "哩": "li3",
    }
)
"""Usual readings in songs of characters that are words by themselves."""


def _compiled() -> Mapping[str, tuple[tuple[re.Pattern[str], str], ...]]:
    found: dict[str, list[tuple[re.Pattern[str], str]]] = {}
    for rule in _RULES:
        character, _, case = rule.partition(" ")
        pattern, _, reading = case.rpartition("=")
        found.setdefault(character, []).append((re.compile(pattern), reading))
    for name in _SURNAMES.split():
        found.setdefault(name[0], []).append((re.compile(f"(?<=姓){name[0]}(?![名氏])"), name[1:]))
    return MappingProxyType({character: tuple(cases) for character, cases in found.items()})


_CONTEXTS = _compiled()


def reading_in_context(line: str, place: int) -> str | None:
    """Return the pinyin reading of the character at index `place` of a line, chosen by the characters around it; `None`
    if no pattern matches.
    """
    for pattern, reading in _CONTEXTS.get(line[place], ()):
        if pattern.match(line, place):
            return reading
    return None


def lone_reading(character: str) -> str | None:
    """Return the usual pinyin reading of a character that is a word by itself; `None` if the table `_LONE` does not
    have the character.
    """
    return _LONE.get(character)
