"""Checks requests for the studio engine before they are accepted, in a process that has not loaded the engine's
weights.
"""

from model.song import SongParams, SongPlan
from model.studio.info import INFO
from model.studio.lyrics.chinese import mandarin
from model.studio.planning.plan import plan_song
from model.studio.voice import english, repertoire


def validate(params: SongParams) -> SongPlan:
    """Check everything in a request that can be checked without the weights, and return the plan of the song, which the
    worker uses.

    Raises:
        InvalidParams: the engine cannot make a song from the lyrics or controls.
    """
    return plan_song(params, INFO)


class StudioValidator:
    """Checks requests for the studio engine; implements `model.engine.Validator`."""

    @classmethod
    def load(cls) -> "StudioValidator":
        """Open the dictionaries and plan one song, so that no request has to wait for files to be read.

        Raises:
            EngineUnavailable: a dictionary is missing or damaged.
        """
        english.load()
        mandarin.load()
        repertoire.load()
        validate(SongParams("pop", "[verse]\n春天 a1\n[chorus]\n我要飞向那片海 2 times", 1))
        return cls()

    def validate(self, params: SongParams) -> SongPlan:
        """Check the parameters of a song and return its plan; see the function `validate`."""
        return validate(params)
