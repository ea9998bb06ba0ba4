"""Removes lines that describe the song and are not sung: credits, titles, sources."""

import re

from model.shared.lyrics.lines import Line, Notes
from model.shared.lyrics.tags import Heading, read_tag

_LONG_ROLES = (
    "作词|作詞|填词|填詞|作曲|谱曲|譜曲|编曲|編曲|词曲|詞曲|曲词|作词作曲|词作者|曲作者|词曲作者|作者|演唱者?|"
    "原唱|翻唱|歌手|主唱|演奏|艺人|藝人|歌名|歌曲名?|曲名|"
    "标题|標題|专辑|專輯|所属专辑|唱片公司?|发行\\S{0,4}|發行\\S{0,4}|出品\\S{0,4}|制作人?|製作人?|监制|監製|"
    "音乐监制|音乐制作|配唱\\S{0,4}|制作\\S{0,4}|"
    "混音\\S{0,4}|录音\\S{0,4}|錄音\\S{0,4}|母带\\S{0,6}|母帶\\S{0,6}|和声\\S{0,4}|和聲\\S{0,4}|和音\\S{0,3}|"
    "吉他\\S{0,2}|木吉他|电吉他|贝斯\\S{0,2}|貝斯\\S{0,2}|鼓手?|"
    "键盘\\S{0,2}|鍵盤\\S{0,2}|钢琴\\S{0,2}|弦乐\\S{0,4}|弦樂\\S{0,4}|小提琴|大提琴|二胡|古筝|笛子|琵琶|"
    "人声\\S{0,4}|后期\\S{0,2}|策划|统筹|企划|宣传\\S{0,2}|推广\\S{0,2}|封面\\S{0,2}|"
    "美工|海报|版权\\S{0,4}|出版\\S{0,4}|[OS]\\.?P\\.?|ISRC|总监|艺术总监|音乐总监|营销\\S{0,4}|文案|视频|导演|翻译|翻譯|"
    "译|歌词\\S{0,2}|歌詞\\S{0,2}|上传者?|"
    "lyrics?|lyricists?|composers?|songwriters?|writers?|written|producers?|produced|arrangers?|"
    "arrangement|"
    "artists?|vocalists?|performed|performers?|album|song title|song name|mixed|mixing|mastered|mastering|recorded|"
    "engineers?|publishers?|copyright|translat(?:ed|ion|or)|bpm|time signature|voice type|cover|year|"
    "曲风|调式|调号|拍号"
)
_HEAD_ROLES = (
    "words|music|(?:(?:electric|acoustic|bass) )?guitars?|drums?|bass|piano|keyboards?|strings|violin|cello|synths?|"
    "choir|(?:(?:lead|backing|background) )?vocals?|"
    "words|music|singers?|title|song|label|published|released?|source|genre|styles?|mood|tags|prompt|tempo|key|capo|"
    "tuning|duration|length|language|feat\\.?|featuring|来源|來源|备注|備註|说明|风格|情绪|速度|节拍|时长|语言"
)
"""Names of credits that may also be words of songs; recognised only before the first sung line and after the last."""

_LONGEST = 120

_SHORT_ROLES = "词|詞|曲|编|編|唱|词/曲|混|录|译|谱"
_JOINT = r"\s*(?:[/／、&＆,，·|+和与\s]|and)\s*"
_LONG = re.compile(
    rf"(?:{_LONG_ROLES})(?:{_JOINT}(?:{_LONG_ROLES}|{_SHORT_ROLES}))*(?:\s*by)?\s*[:：].*", re.IGNORECASE
)
_HEAD = re.compile(rf"(?:{_HEAD_ROLES})(?:{_JOINT}(?:{_HEAD_ROLES}|{_LONG_ROLES}))*(?:\s*by)?\s*[:：].*", re.IGNORECASE)
_SHORT = re.compile(rf"(?:{_SHORT_ROLES})(?:{_JOINT}(?:{_SHORT_ROLES}|{_LONG_ROLES}))*\s*[:：].*")
_SPACED = re.compile(
    r"(?:作词|作詞|填词|作曲|编曲|編曲|演唱|原唱|词曲|制作人)(?:[/、&]?(?:作词|作曲|编曲))?\s+\S.{0,30}"
)
_BY = re.compile(
    r"(?:lyrics?|words|music|song|written|composed|produced|performed|arranged|sung|translated|mixed|recorded|mastered)"
    r"(?:\s*(?:and|&|/|,)\s*(?:lyrics?|words|music|composed|produced|arranged|performed|written))*\s+by\b[:：]?\s+\S.*",
    re.IGNORECASE,
)
_NOTICE = re.compile(
    r".*(?:未经.{0,16}(?:许可|授权|同意)|未經.{0,16}(?:許可|授權)|版权所有|版權所有|翻版必究|著作权人|"
    r"享有.{0,12}著作权|all rights reserved|[(（]c[)）]\s*\d{4}|"
    r"copyright|©|℗|https?://|www\.\w).*",
    re.IGNORECASE,
)
_WEB = re.compile(
    r"(?:本|此|该)歌词由.{1,20}|(?:歌词)?(?:来自|来源|转载自?)\s*[:：].{1,30}|收录于.{0,6}[《〈].{1,30}|"
    r"(?:电影|电视剧|动漫|游戏|网剧).{0,4}[《〈].{1,30}[》〉].{0,6}(?:主题曲|片尾曲|片头曲|插曲|推广曲)|"
    r"you might also like|\d+\s*contributors?.*|\d*\s*embed|translations?|see .{1,40} live|get tickets as low as .*|"
    r"lyrics|read more|(?:完整)?歌词|歌詞|-*\s*end\s*-+",
    re.IGNORECASE,
)
_EMBED = re.compile(r"(?<=[^\W\d])\d*Embed$")
_LYRICS_OF = re.compile(r"[^a-z].{0,60} (?:Lyrics|LYRICS|歌词)")
_HEADLINE = re.compile(r"\S.{0,40}\s[-–—]\s.{0,40}\S")
_WORDS_LABEL = re.compile(r"(?:lyrics?|歌词|歌詞)\s*[:：]\s*(.{9,})", re.IGNORECASE)
_TITLE = re.compile(
    r"[《〈『]([^《》〈〉『』]{1,40})[》〉』](?:(?:\s+|\s*[-–—/]\s*)\S{0,20}|(?:演唱|作?词|作?曲|词曲).{0,20}|.{0,6}(?:主题曲|插曲|片[头尾]曲))?"
)
_PREAMBLE = re.compile(
    r".{0,30}(?:以下|下面|这)(?:就?是)?.{0,20}(?:歌词|歌詞|歌曲).{0,10}[:：]|"
    r"(?:.{0,60}\b)?here(?:['’]s| is| are)\b.{0,60}\b(?:lyrics|song)\b.{0,40}[:：]",
    re.IGNORECASE,
)
"""Introduction by a language model that wrote the lyrics ("Here are the lyrics:")."""
_ENCLOSED = re.compile(r"[(（【\[{]\s*([^()（）【】\[\]{}]{2,60}?)\s*[)）】\]}]")
_SPACES_IN_ROLE = re.compile(r"^([作填编演原词])\s{1,4}([词詞曲唱])(?=\s*[:：])")
_SHORT_JOINED = re.compile(r"(?:作?[词詞曲]|编曲|編曲)\s*[-–—|｜=＝]\s*\S.{0,20}")
_SCALE = re.compile(r"1\s*[=＝]\s*[b#♭♯]?[A-G][b#]?(?:\s+\d\s*/\s*\d.*)?")
_PURE_MUSIC = re.compile(r"[(（]?\s*(?:此歌曲?为?|本曲为)?(?:没有填词的)?纯音乐[，,]?\s*请?(?:您)?欣赏[)）]?.{0,2}")
_MUSIC_TAG = "[inst]"


def without_credits(lines: list[Line], notes: Notes) -> list[Line]:
    """Return the lines; a line that describes the song, such as a credit, becomes blank. A title is recognised only
    before the first sung line. `notes` collects remarks for the caller.
    """
    kept: list[Line] = []
    left_out: list[str] = []
    head, foot = True, _foot(lines)
    for place, (line, following) in enumerate(zip(lines, _following(lines), strict=True)):
        line = Line(line.number, _EMBED.sub("", line.text))
        if label := _WORDS_LABEL.fullmatch(line.text):
            line = Line(line.number, label[1])
        elif _is_about(line.text, head=head) or (head and _is_headline(line.text, following)) or place >= foot:
            left_out += [line.text] if line.text else []
            line = Line(line.number, "")
        elif _PURE_MUSIC.fullmatch(line.text):
            line = Line(line.number, _MUSIC_TAG)
        head = head and (not line.text or _is_tag(line.text))
        kept.append(line)
    if left_out and not any(line.text for line in kept) and not any(map(_is_certain, left_out)):
        return lines
    if left_out:
        notes.say("credits and titles are not sung", *left_out)
    return kept


def _foot(lines: list[Line]) -> int:
    """Return the index after the last line of words; the lines from this index on are blank or credits."""
    foot = len(lines)
    while foot and (not lines[foot - 1].text or _in_foot(lines[foot - 1].text)):
        foot -= 1
    return foot


def _in_foot(text: str) -> bool:
    return len(text) <= _LONGEST and bool(_HEAD.fullmatch(text) or _is_about(text, head=False))


def _following(lines: list[Line]) -> list[str]:
    """Return, for each line, the text of the next line that is not blank; empty if there is none."""
    found, following = list[str](), ""
    for line in reversed(lines):
        found.append(following)
        following = line.text or following
    return found[::-1]


def _is_headline(text: str, following: str) -> bool:
    """Return True if a text has the form "title - artist" and `following`, the text of the next line, is a tag or a
    credit.
    """
    if not _HEADLINE.fullmatch(text) or not following or _is_tag(text):
        return False
    return _is_tag(following) or _is_about(following, head=True) or isinstance(read_tag(following), Heading)


def _is_certain(text: str) -> bool:
    return _TITLE.fullmatch(text) is None


def _is_about(text: str, *, head: bool) -> bool:
    if _NOTICE.fullmatch(text):
        return True
    if len(text) > _LONGEST:
        return False
    if match := _ENCLOSED.fullmatch(text):
        return bool(_LONG.fullmatch(match[1]) or (head and _SHORT.fullmatch(match[1])))
    text = _SPACES_IN_ROLE.sub(r"\1\2", text)
    if _LONG.fullmatch(text) or _WEB.fullmatch(text) or _SCALE.fullmatch(text):
        return True
    return head and bool(
        _SHORT.fullmatch(text)
        or _HEAD.fullmatch(text)
        or _SPACED.fullmatch(text)
        or _PREAMBLE.fullmatch(text)
        or _SHORT_JOINED.fullmatch(text)
        or _LYRICS_OF.fullmatch(text)
        or _BY.fullmatch(text)
        or _is_title(text)
    )


def _is_title(text: str) -> bool:
    match = _TITLE.fullmatch(text)
    return match is not None and not isinstance(read_tag(match[1]), Heading)


def _is_tag(text: str) -> bool:
    return text[0] in "[［【〔〖" and text[-1] in "]］】〕〗"
