"""Builds deploy/Dockerfile with buildah, without a container daemon, on a small Debian. Needs root, and the package
indexes of Debian and pip.

Built layers stay in .venv/tools/cache, so that another run builds only what has changed.
"""

import ast
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.deploy.tools import ROOT, TOOLS, missing, output_of, tool
from tests.support.requirements import not_tried

CACHE = TOOLS / "cache"
NEEDED_BYTES = 25 << 30
BASE = "localhost/melisma-base"
IMAGE = "localhost/melisma-tried"
REVISION = "0123abc"
BUILD_TIMEOUT_SECONDS = 1800.0
ALONE = ("unshare", "--mount", "--propagation", "private")
BUILD_ARGUMENTS = ("LOCK", "TORCH_INDEX", "TORCH_HASH")
"""Build arguments of the Dockerfile that environment variables such as IMAGE_LOCK=requirements/ace_step.lock
replace.
"""


def require_builder() -> None:
    """End the test, as skipped or failed (see `not_tried`), if this computer cannot build images."""
    for name in ("buildah", "debootstrap"):
        tool(name)
    if shutil.which("crun") is None:
        missing("crun", "apt install crun")
    if os.geteuid() != 0:
        not_tried("only root can build and run an image without a daemon")
    if not _storage("images", "--quiet", IMAGE, check=False) and shutil.disk_usage(TOOLS).free < NEEDED_BYTES:
        not_tried(f"building an image takes {NEEDED_BYTES >> 30} GiB of disk, which are not free")


def build() -> str:
    """Build the image of deploy/Dockerfile on a small Debian with its Python, and return the id of the image."""
    _storage("rm", "--all")  # what a run left behind that was killed
    if not _storage("images", "--quiet", BASE, check=False):
        _make_base()
    with _scratch() as scratch:
        options = _build_options(scratch)
        # The stage is built under a name of its own first, or cleaning up would take what the next run builds upon.
        _build(*options, "--target", "build", "--tag", f"{IMAGE}-stage", str(ROOT))
        _build(*options, "--tag", IMAGE, str(ROOT))
    _storage("rmi", "--prune")
    return _storage("images", "--quiet", "--no-trunc", IMAGE).strip()


def _build(*arguments: str) -> None:
    """Run `buildah build` in its own mount namespace, and remove the working containers afterwards, even after a
    failure.
    """
    try:
        output_of(
            *ALONE, *_command(), "build", "--isolation", "chroot", *arguments, timeout_seconds=BUILD_TIMEOUT_SECONDS
        )
    finally:
        _storage("rm", "--all", check=False)


def _build_options(scratch: Path) -> list[str]:
    given = {name: os.environ[f"IMAGE_{name}"] for name in BUILD_ARGUMENTS if f"IMAGE_{name}" in os.environ}
    arguments = {"BASE": BASE, "REVISION": REVISION, **given}
    pip = pip_settings()
    (scratch / "pip.conf").write_text(
        "[global]\n" + "".join(f"{name} = {value}\n" for name, value in pip.items()), encoding="utf-8"
    )
    return [
        *("--network", "host", "--format", "docker", "--layers", "--pull-never"),
        *("--file", str(ROOT / "deploy/Dockerfile"), "--secret", f"id=pip,src={scratch / 'pip.conf'}"),
        *(part for name, value in arguments.items() for part in ("--build-arg", f"{name}={value}")),
        *(part for path in paths_in(pip) for part in ("--volume", f"{path}:{path}:ro")),
    ]


def pip_settings() -> dict[str, str]:
    """Return pip's configuration on this computer by option, for use within a build; environment variables override
    files.
    """
    listed = output_of(sys.executable, "-m", "pip", "config", "list")
    found = [match for line in listed.splitlines() if (match := re.fullmatch(r"(\S+)\.([\w-]+)=('.*'|\".*\")", line))]
    found.sort(key=lambda match: match[1] == ":env:")
    return {match[2]: ast.literal_eval(match[3]) for match in found}


def paths_in(settings: Mapping[str, str]) -> list[str]:
    """Return the files and folders that pip's settings name; for an index in the file system, the folder that contains
    it.
    """
    words = " ".join(settings.values()).split()
    indexes = {str(Path(word.removeprefix("file://")).parent) for word in words if word.startswith("file:///")}
    return sorted(path for path in indexes | {word for word in words if word.startswith("/")} if Path(path).exists())


def _make_base() -> None:
    with _scratch() as scratch:
        root = scratch / "root"
        # What debootstrap mounts is seen by it alone, so that nothing but files is left to be removed.
        packages = ("--variant=minbase", "--include=python3,python3-venv")
        done = subprocess.run(
            [*ALONE, tool("debootstrap"), *packages, "bookworm", str(root)],
            capture_output=True,
            text=True,
            timeout=BUILD_TIMEOUT_SECONDS,
            check=False,
        )
        if "Failed getting release file" in done.stdout + done.stderr:
            not_tried("no Debian mirror answers")
        assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
        output_of("tar", "--create", "--file", scratch / "root.tar", "--directory", root, ".")
        (scratch / "Dockerfile").write_text("FROM scratch\nADD root.tar /\n", encoding="utf-8")
        (scratch / ".dockerignore").write_text("root\n", encoding="utf-8")
        _build("--format", "docker", "--tag", BASE, str(scratch))


@contextmanager
def _scratch() -> Iterator[Path]:
    scratch = CACHE / f"scratch-{os.getpid()}"
    scratch.mkdir(parents=True)
    try:
        yield scratch
    finally:
        assert not mounts_below(scratch), "something is mounted there; unmount it, then remove it"
        shutil.rmtree(scratch)


def mounts_below(folder: Path) -> list[str]:
    """Return the mount points in a folder and its subfolders."""
    places = (line.split()[1] for line in Path("/proc/mounts").read_text("utf-8").splitlines())
    return [place for place in places if Path(place).is_relative_to(folder)]


def _storage(*arguments: str, check: bool = True) -> str:
    done = subprocess.run([*_command(), *arguments], capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0 or not check, f"{arguments}: {done.stderr}"
    return done.stdout


def _command() -> tuple[str, ...]:
    CACHE.mkdir(parents=True, exist_ok=True)
    # buildah keeps what RUN --mount=type=cache holds in TMPDIR.
    return ("env", f"TMPDIR={CACHE}", tool("buildah"), "--root", str(CACHE / "images"), "--runroot", str(CACHE / "run"))


def config_of(image: str) -> dict[str, Any]:
    """Return the container configuration of an image, such as its user and command."""
    config: dict[str, Any] = json.loads(_storage("inspect", "--type", "image", image))["Docker"]["config"]
    return config


@contextmanager
def unpacked(image: str) -> Iterator[Path]:
    """Context manager with a folder in which the files of an image are mounted."""
    working = _storage("from", "--pull-never", image).strip()
    try:
        yield Path(_storage("mount", working).strip())
    finally:
        _storage("rm", working)
        assert not mounts_below(CACHE)
