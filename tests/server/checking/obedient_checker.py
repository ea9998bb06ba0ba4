"""Runs the checking process with an additional engine, "obedient"."""

import sys

from model import registry
from server.checking.checker import main

registry.ENGINES = {  # this process alone has it
    **registry.ENGINES,
    "obedient": registry.EngineEntry("", validator="tests.server.checking.validators:ObedientValidator"),
}

if __name__ == "__main__":
    main(int(sys.argv[1]))
