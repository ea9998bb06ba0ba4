"""Tests that the code blocks of the documentation work with a running service.

A block that cannot be run here has a comment with the reason before it: `<!-- not run: needs docker -->`.
"""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.support.service import Service, ready, running_service

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = ("README.md", "docs/callers.md", "clients/python/README.md")
BLOCK = re.compile(r"^(?:<!-- not run: (.+) -->\n)?```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
TIMEOUT_SECONDS = 120.0

PLAYER = """#!/bin/sh
cat > played.mp3 && test -s played.mp3
"""
"""Shell script in place of ffplay: reads all sound from standard input, and fails if there is none."""


class Block(NamedTuple):
    """A code block with its language, and the reason for not running it; an empty reason means that it is run."""

    reason: str
    language: str
    code: str


def blocks(document: str) -> list[Block]:
    """Return the code blocks of a document that name their language."""
    return [Block(*found) for found in BLOCK.findall((ROOT / document).read_text("utf-8"))]


@pytest.fixture(scope="module")
def service() -> Iterator[Service]:
    with running_service("studio") as service:
        ready(service)
        yield service


def run(block: Block, service: Service, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a code block in `folder`, with the addresses of the service in place of the default ones."""
    player = folder / "bin" / "ffplay"
    player.parent.mkdir(exist_ok=True)
    player.write_text(PLAYER)
    player.chmod(0o755)
    code = block.code.replace("localhost:50051", service.address).replace("localhost:8080", service.http_address)
    search = os.pathsep.join([str(player.parent), str(Path(sys.executable).parent), os.environ["PATH"]])
    environment = {
        **os.environ,
        "PATH": search,
        "PYTHONPATH": os.pathsep.join(str(ROOT / path) for path in ("clients/python", "protos")),
        "MELISMA_SERVER": service.address,
        "MELISMA_CALLER": "reader",
    }
    command = [sys.executable, "-c", code] if block.language == "python" else ["bash", "-euo", "pipefail", "-c", code]
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=TIMEOUT_SECONDS, check=False
    )


@pytest.mark.parametrize("document", DOCUMENTS)
def test_code_blocks_run(document: str, service: Service, tmp_path: Path) -> None:
    tried = [block for block in blocks(document) if block.language in ("sh", "python") and not block.reason]
    assert tried
    failed = []
    for block in tried:
        ended = run(block, service, tmp_path)
        if ended.returncode:
            failed.append(f"{block.code}\n{ended.stdout}{ended.stderr}")
    assert failed == [], "\n".join(failed)
