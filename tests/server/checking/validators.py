"""A validator whose behaviour the prompt selects, for tests of the checking process, in which the engine registry
imports it.
"""

import os
import re
import time

from model.song import InvalidParams, SongParams, SongPlan, Violation


class ObedientValidator:
    """A validator that does what the prompt says: "refuse", "raise", "spin" (an endless loop in Python), "hang" (in C,
    with the interpreter locked) or "die".
    """

    @classmethod
    def load(cls) -> "ObedientValidator":
        return cls()

    def validate(self, params: SongParams) -> SongPlan | None:
        match params.prompt.split():
            case ["refuse"]:
                raise InvalidParams(Violation("key", "is no key"), Violation("lyrics", "cannot be sung"))
            case ["raise"]:
                raise RuntimeError(f"bug with {params.lyrics}")
            case ["spin"]:
                while True:
                    pass
            case ["hang"]:
                re.match(r"(a+)+b", "a" * 40)
            case ["die"]:
                os._exit(3)
            case ["sleep"]:
                time.sleep(0.3)
        return None
