"""Runs those scripts of the page that need no browser, in Node.js."""

import json
import shutil
import subprocess
from typing import Any

from server.api.http.preview_page import FOLDER
from tests.support.requirements import not_tried

TIMEOUT_SECONDS = 120.0


def node(*arguments: str, given: str = "") -> str:
    """Run Node.js with the standard input `given`, and return its output; fails on a non-zero exit status, and ends the
    test if Node.js is missing.
    """
    found = shutil.which("node")
    if found is None:
        not_tried("needs Node 20: apt install nodejs")
    command = [found, "--no-warnings", *arguments]
    run = subprocess.run(command, input=given, capture_output=True, text=True, timeout=TIMEOUT_SECONDS, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
    return run.stdout


def evaluated(modules: str, expression: str, given: Any = None) -> Any:
    """Return the value of a JavaScript expression over `given`, with the exports of modules of the page as `page`.

    `modules` is separated by spaces, such as "text/words text/reasons".
    """
    imports = "".join(
        f"import * as m{number} from {json.dumps((FOLDER / name).with_suffix('.js').as_uri())};"
        for number, name in enumerate(modules.split())
    )
    exports = ", ".join(f"...m{number}" for number, _ in enumerate(modules.split()))
    script = f"""{imports}
      import {{ readFileSync }} from "node:fs";
      const page = {{ {exports} }};
      const given = JSON.parse(readFileSync(0, "utf-8"));
      console.log(JSON.stringify({expression}));"""
    return json.loads(node("--input-type=module", "--eval", script, given=json.dumps(given)))
