"""Tests of the image without CUDA: its lock file, its build arguments, and an installation with pip of a torch without
CUDA from a package index on loopback.
"""

import hashlib
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from zipfile import ZipFile

import pytest

ROOT = Path(__file__).resolve().parents[3]
DEPLOY = ROOT / "deploy"
CUDA = re.compile(r"torch|triton|(nvidia|cuda)-.+")
INDEX = "http://127.0.0.1:1/simple"
HASH = f"sha256:{'a' * 64}"


def entries(lock: str) -> dict[str, str]:
    """Return the lines of a lock file by package name; a package with several versions has the lines of all
    versions.
    """
    found: dict[str, str] = {}
    for text in re.split(r"^(?=[a-z])", lock, flags=re.MULTILINE)[1:]:
        name = text.split("==")[0]
        found[name] = found.get(name, "") + text
    return found


def smaller(lock: str, *more: str, index: str = INDEX, sha256: str = HASH) -> "subprocess.CompletedProcess[str]":
    """Run deploy/without_cuda.py, which replaces torch in a lock file by one without CUDA; return its exit status and
    output. The torch has the hash `sha256` in the package index at the URL `index`; `more` are further arguments.
    """
    command = [sys.executable, str(DEPLOY / "without_cuda.py"), "--index", index, "--hash", sha256, *more]
    return subprocess.run(command, input=lock, capture_output=True, text=True, timeout=60, check=False)


def lock_of(name: str) -> str:
    return (ROOT / "requirements" / f"{name}.lock").read_text("utf-8")


@pytest.fixture(scope="module")
def locked() -> dict[str, str]:
    return entries(lock_of("runtime"))


def test_without_cuda_a_lock_keeps_all_the_rest_as_it_is(locked: dict[str, str]) -> None:
    done = smaller(lock_of("runtime"))
    assert done.returncode == 0, done.stderr
    first, *rest, last = done.stdout.splitlines(keepends=True)
    assert first == f"--extra-index-url {INDEX}\n"
    version = re.findall(r"^torch==(\S+)", lock_of("runtime"), re.MULTILINE)[0]
    assert last == f"torch=={version}+cpu --hash={HASH}\n"
    assert entries("".join(rest)) == {name: text for name, text in locked.items() if not CUDA.fullmatch(name)}


def test_what_is_left_out_without_cuda_is_there_for_torch_alone(locked: dict[str, str]) -> None:
    left_out = {name for name in locked if CUDA.fullmatch(name)}
    assert len(left_out) > 15
    asking = {name: set(re.findall(r"^    # +(?:via )?([\w-]+)", locked[name], re.MULTILINE)) for name in left_out}
    assert {name: others - left_out for name, others in asking.items() if others - left_out - {"via"}} == {
        "torch": {"melisma"}
    }


def test_arguments_that_cannot_be_used_are_refused_in_words() -> None:
    runtime = lock_of("runtime")
    cases = [
        (smaller(runtime, index=""), "TORCH_INDEX is missing"),
        (smaller(runtime, sha256=""), "TORCH_HASH is missing"),
        (smaller(runtime, index="the usual one"), "TORCH_INDEX is no address"),
        (smaller(runtime, index="https://a b"), "TORCH_INDEX is no address"),
        (smaller(runtime, sha256="a" * 64), "TORCH_HASH is not"),
        (smaller(runtime, sha256=f"sha256:{'a' * 63}"), "TORCH_HASH is not"),
        (smaller(runtime, sha256=f"{HASH} --hash={HASH}"), "TORCH_HASH is not"),
        (smaller(lock_of("ace_step")), "engine ace_step"),
        (smaller("numpy==2.2.0\n"), "pins no torch"),
    ]
    wrong = [
        (expected, done.stderr)
        for done, expected in cases
        if not (done.returncode == 1 and expected in done.stderr and "--build-arg TORCH_INDEX=" in done.stderr)
    ]
    assert wrong == []
    assert all(done.stdout == "" for done, _ in cases)


def wheel(folder: Path, version: str) -> str:
    """Put an empty package called torch, of this version, into a package index in `folder`, and return the hash of its
    wheel.
    """
    place = folder / "simple" / "torch"
    place.mkdir(parents=True)
    name = f"torch-{version}-py3-none-any.whl"
    with ZipFile(place / name, "w") as archive:
        archive.writestr("torch.py", f"__version__ = {version!r}\n")
        information = f"torch-{version}.dist-info"
        archive.writestr(f"{information}/METADATA", f"Metadata-Version: 2.1\nName: torch\nVersion: {version}\n")
        archive.writestr(f"{information}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{information}/RECORD", "")
    sha256 = hashlib.sha256((place / name).read_bytes()).hexdigest()
    (place / "index.html").write_text(f'<a href="{name}#sha256={sha256}">{name}</a>', "utf-8")
    return f"sha256:{sha256}"


class _Quiet(SimpleHTTPRequestHandler):
    def log_request(self, code: object = "-", size: object = "-") -> None:
        """Write no log line for a request."""


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """Context manager with the URL of the package index in `folder`, served on loopback."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(folder))) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}/simple"
        finally:
            server.shutdown()
            thread.join()


def installed(lock: str, folder: Path) -> "subprocess.CompletedProcess[str]":
    """Run pip as the image build does, on a lock file that contains the URL of its package index; return the exit
    status and output of pip.
    """
    file = folder / "packages.lock"
    file.write_text(lock, "utf-8")
    pip = [sys.executable, "-m", "pip", "--isolated", "--disable-pip-version-check", "install", "--no-cache-dir"]
    # No other index is asked.
    index = re.findall(r"^--extra-index-url (\S+)", lock, re.MULTILINE)[0]
    options = ["--index-url", index, "--retries", "0", "--require-hashes", "--target", str(folder / "installed")]
    return subprocess.run(
        [*pip, *options, "--requirement", str(file)], capture_output=True, text=True, timeout=120, check=False
    )


def test_pip_takes_that_build_of_torch_from_that_index_or_says_why_not(tmp_path: Path) -> None:
    lock = "torch==2.11.0 \\\n    --hash=sha256:" + "b" * 64 + "\nnvidia-nccl==1.0 --hash=sha256:" + "c" * 64 + "\n"
    sha256 = wheel(tmp_path, "2.11.0+cpu")
    with served(tmp_path) as index:
        done = installed(smaller(lock, index=index, sha256=sha256).stdout, tmp_path)
        assert done.returncode == 0, done.stderr
        assert (tmp_path / "installed" / "torch-2.11.0+cpu.dist-info").is_dir()
        wrong_hash = installed(smaller(lock, index=index).stdout, tmp_path)
        wrong_index = installed(smaller(lock, index=f"{index}/elsewhere", sha256=sha256).stdout, tmp_path)
        explained = [
            smaller(lock, "--explain", index=index).stderr,
            smaller(lock, "--explain", index=index, sha256=sha256).stderr,
            smaller(lock.replace("2.11.0", "2.12.0"), "--explain", index=index, sha256=sha256).stderr,
        ]
    explained.append(smaller(lock, "--explain", index=index, sha256=sha256).stderr)
    assert wrong_hash.returncode != 0
    assert "DO NOT MATCH THE HASHES" in wrong_hash.stderr
    assert sha256.removeprefix("sha256:") in wrong_hash.stderr
    assert wrong_index.returncode != 0
    words = (f"torch-2.11.0+cpu-py3-none-any.whl  {sha256}", "another Python", "no torch 2.12.0+cpu", "cannot be read")
    assert [word for word, said in zip(words, explained, strict=True) if word not in said] == []
