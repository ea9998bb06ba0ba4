"""Makes plans of songs for the tests in this folder."""

from model.song import SongParams, SongPlan
from model.studio.info import INFO
from model.studio.planning.plan import plan_song

SPRING = "[verse]\n春天醒来花就开\n脚步轻轻不怕失败\n\n[chorus]\n我要飞向那片海\n心随阳光一起澎湃"
POP = "melodic pop, upbeat, piano-driven, with light drums"


def planned(prompt: str = POP, lyrics: str = SPRING, seed: int = 1, **fields: object) -> SongPlan:
    return plan_song(SongParams(prompt, lyrics, seed, **fields), INFO)  # type: ignore[arg-type]
