"""Prompts and lyrics of the songs that benchmarks request."""

from melisma.v1 import music_pb2

SPRING = """[verse]
春天醒来花就开
脚步轻轻不怕失败

[chorus]
我要飞向那片海
心随阳光一起澎湃
"""

MOONLIGHT = """[verse]
月光落在旧窗台
风把故事轻轻翻开
你的名字我还记得
像一盏灯照着从前
[pre-chorus]
时间慢慢走远
思念没有终点
[chorus]
就让这首歌陪你到天明
就让每颗星为你点亮梦境
如果有一天你也想起我
请抬头看看同一片夜空
[verse 2]
城市的灯一盏一盏熄灭
雨后的街道安静得像雪
我把想说的话写进歌里
希望你能在远方听见
[bridge]
所有的告别都是重逢的开始
所有的等待都值得
"""

RIVER = """[verse]
Walking down the river in the morning light
All the little houses painted blue and white
[chorus]
Carry me home over the water
Carry me home where I belong
"""

SONGS = {
    "spring": music_pb2.GenerateRequest(
        prompt="melodic pop, upbeat, piano-driven, with light drums", lyrics=SPRING, duration_seconds=60, seed=1
    ),
    "moonlight": music_pb2.GenerateRequest(
        prompt="伤感 抒情 ballad, strings, slow", lyrics=MOONLIGHT, duration_seconds=240, seed=2
    ),
    "lofi": music_pb2.GenerateRequest(
        prompt="lofi hip hop, chill, electric piano, instrumental", duration_seconds=90, seed=3
    ),
    "river": music_pb2.GenerateRequest(prompt="folk, acoustic guitar, warm", lyrics=RIVER, duration_seconds=45, seed=4),
}
"""Requests of the benchmark songs by name: the first song of the README, a long ballad, an instrumental, an English
song.
"""
