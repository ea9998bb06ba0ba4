"""Chinese lyrics for measuring the singing of songs. The singing may be tuned on `TUNING`, never on `HELD_OUT`."""

_PLAYGROUND = """[verse]
早晨的风吹过操场
书包里装着旧口琴
我们说好一起去远方
把名字写在车窗上
[chorus]
跑过山跑过河
跑到天边唱首歌
跑过山跑过河
星星都在等着我
"""

_SNOW = """[verse]
夜里下了一场大雪
屋檐的灯还没有灭
你的脚印通向桥边
我在门口站了很久
[chorus]
春天会来吗
你会回来吗
春天会来吗
请给我一句话
"""

_TEAHOUSE = """[verse]
老茶馆里坐满了人
窗外的船慢慢靠岸
爷爷讲起从前的事
我听着听着睡着了
[chorus]
江水流啊流
带走多少愁
江水流啊流
月亮照心头
"""

TUNING = ((21, _PLAYGROUND),)
HELD_OUT = ((901, _SNOW), (902, _TEAHOUSE))
"""Pairs of a seed and lyrics; each text is sung in every style."""
