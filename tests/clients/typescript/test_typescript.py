"""Tests of the TypeScript client: installed from its lock file, built, and run against a server by its own tests."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import grpc
import pytest

from protos.generate import stale_files
from server.api.rest.openapi import document
from tests.support.requirements import not_tried
from tests.support.service import running_service

CLIENT = Path(__file__).resolve().parents[3] / "clients" / "typescript"
TIMEOUT_SECONDS = 240.0
OLDEST_NODE = 20
UNREACHABLE = re.compile(r"\b(ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|ENOTCACHED)\b")
QUIETLY = ("--prefer-offline", "--no-audit", "--no-fund")
PROGRAMS = CLIENT / "node_modules" / ".bin"

STRICTLY = ("--strict", "--noEmit", "--module", "nodenext", "--target", "es2022", "--lib", "es2022")
PROGRAM = """
import type { components, operations } from "./schema.d.ts";

type Asked = components["schemas"]["SongRequest"];
type Answers = operations["generate_song"]["responses"];

export const asked: Asked = { prompt: "pop", duration: 12, stems: ["vocal"], audio: { bitrate_kbps: 128 } };
// @ts-expect-error a duration is a number
export const wrong: Asked = { prompt: "pop", duration: "12" };
// @ts-expect-error there is no such field
export const unknown: Asked = { prompt: "pop", lenght: 12 };
export const seconds = (song: Answers[200]["content"]["application/json"]): number => song.duration_sec;
export const sound = (answer: operations["get_mp3"]["responses"][200]): string => answer.content["audio/mpeg"];
export const fields = (problem: Answers[400]["content"]["application/problem+json"]): string[] =>
  (problem.violations ?? []).map((violation) => violation.field);
"""


def run(*command: str, cwd: Path = CLIENT) -> subprocess.CompletedProcess[str]:
    """Run a command to its end, and return its exit status and output."""
    environment = {**os.environ, "PYTHON": sys.executable}
    return subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, timeout=TIMEOUT_SECONDS)


def told(ended: subprocess.CompletedProcess[str]) -> str:
    return f"{ended.stdout}\n{ended.stderr}"


@pytest.fixture(scope="module", autouse=True)
def installed() -> None:
    """Fixture: installs the packages of the client; ends the tests with `not_tried` without Node.js or a package
    registry.
    """
    if not (shutil.which("node") and shutil.which("npm")):
        not_tried(f"node and npm are missing: Node.js {OLDEST_NODE} or later brings both")
    version = run("node", "--version").stdout.strip()
    if int(version.removeprefix("v").partition(".")[0]) < OLDEST_NODE:
        not_tried(f"Node.js {OLDEST_NODE} is needed; found {version}")
    ended = run("npm", "ci", "--ignore-scripts", *QUIETLY)
    if ended.returncode and UNREACHABLE.search(told(ended)):
        not_tried("npm reaches no registry, and has not all packages in its cache")
    assert ended.returncode == 0, told(ended)


def test_generated_modules_are_fresh() -> None:
    assert stale_files("typescript") == []


def test_lock_file_names_no_registry() -> None:
    assert '"resolved"' not in (CLIENT / "package-lock.json").read_text()


def test_its_own_tests_pass_against_a_server() -> None:
    ended = run("npm", "test")
    assert ended.returncode == 0, told(ended)
    assert re.search(r"\bpass [1-9]", ended.stdout), told(ended)


def test_the_document_of_rest_gives_plain_types(tmp_path: Path) -> None:
    (tmp_path / "openapi.json").write_text(json.dumps(document(secured=True)))
    files = (str(tmp_path / "openapi.json"), "--output", str(tmp_path / "schema.d.ts"))
    made = run(str(PROGRAMS / "openapi-typescript"), *files)
    assert made.returncode == 0, told(made)
    (tmp_path / "program.ts").write_text(PROGRAM)
    checked = run(str(PROGRAMS / "tsc"), *STRICTLY, "program.ts", cwd=tmp_path)
    assert checked.returncode == 0, told(checked)


def test_the_package_plays_where_it_is_installed(tmp_path: Path) -> None:
    built = run("npm", "run", "build", "--", "--noCheck")  # its types are checked with those of its tests
    assert built.returncode == 0, told(built)
    packed = run("npm", "pack", "--silent", "--ignore-scripts", "--pack-destination", str(tmp_path))
    assert packed.returncode == 0, told(packed)
    (tmp_path / "package.json").write_text('{"type": "module"}')
    installed = run("npm", "install", *QUIETLY, f"./{packed.stdout.strip()}", cwd=tmp_path)
    assert installed.returncode == 0, told(installed)
    shutil.copy(CLIENT / "examples" / "play.js", tmp_path)
    with running_service("fake=tests.support.fakes:FakeEngine") as service:
        with grpc.insecure_channel(service.address) as channel:
            service.wait_serving(channel)
        environment = {**os.environ, "MELISMA_SERVER": service.address}
        played = subprocess.run(
            ["node", "play.js", "noise", "20"], cwd=tmp_path, env=environment, capture_output=True, timeout=60
        )
    assert played.returncode == 0, played.stderr
    assert 20 * 24_000 < len(played.stdout) < 21 * 24_000
    assert b"verse 1" in played.stderr
