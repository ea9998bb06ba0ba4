"""The page's scripts that need no browser, tried by Node's own test runner."""

import json
import shutil
import subprocess
from pathlib import Path
from random import Random
from typing import Any

from model.studio.prompt.understanding import understand

from model.shared.lyrics.tags import section_kind
from model.studio.lyrics.sections import parse_lyrics
from tests.support.requirements import not_tried

HERE = Path(__file__).parent
TIMEOUT_SECONDS = 120.0


WORDS = HERE.parents[1] / "server" / "api" / "http" / "page" / "words.js"


def _node(*arguments: str) -> str:
    """What Node prints; fails where it fails."""
    node = shutil.which("node")
    if node is None:
        not_tried("needs Node 20: apt install nodejs")
    command = [node, "--no-warnings", *arguments]
    run = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_SECONDS, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
    return run.stdout


def _words() -> Any:
    """What the page suggests."""
    script = f"import * as words from {json.dumps(WORDS.as_uri())}; console.log(JSON.stringify(words));"
    return json.loads(_node("--input-type=module", "--eval", script))


def test_the_scripts_do_what_they_promise() -> None:
    files = sorted(map(str, HERE.glob("*.test.js")))

    told = _node("--test", *files)

    assert len(files) >= 7
    assert "pass 0" not in told


def test_every_suggestion_is_understood() -> None:
    found = _words()
    suggestions = [word for groups in found["WORDS"].values() for group in groups for word in group]
    suggestions += [example["prompt"] for example in found["EXAMPLE"].values()]

    for word in suggestions:
        notes = understand(word, Random(0)).notes
        assert not [note for note in notes if "not understood" in note or "no known word" in note], (word, notes)


def test_every_tag_is_one_and_every_example_is_sung() -> None:
    found = _words()

    assert all(map(section_kind, found["TAGS"]))
    assert all(parse_lyrics(example["lyrics"]).sung for example in found["EXAMPLE"].values())
