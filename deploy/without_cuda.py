"""Writes a lock file with a build of torch without CUDA in place of the one with CUDA, for deploy/Dockerfile.

`python deploy/without_cuda.py --index https://... --hash sha256:... <requirements/runtime.lock`; with `--explain`,
after pip has failed, it prints the builds that the index has instead.
"""

import re
import sys
from argparse import ArgumentParser
from collections.abc import Iterable, Iterator
from urllib.parse import unquote
from urllib.request import urlopen

LEFT_OUT = re.compile(r"(torch|triton|cuda-[\w-]+|nvidia-[\w-]+)==")
TORCH = re.compile(r"^torch==([\w.]+)", re.MULTILINE)
TIMEOUT_SECONDS = 30.0
ADVICE = """TORCH_INDEX is the address of the package index that has torch's builds for processors, TORCH_HASH the hash
of the wheel of torch {version}+cpu there for Python 3.11 and this machine, as the index tells it behind "#sha256=".
They go together:
    --build-arg TORCH_INDEX=https://... --build-arg TORCH_HASH=sha256:...
Without both you get the torch of the lock, with CUDA."""


def without_cuda(lines: Iterable[str]) -> Iterator[str]:
    """Yield the lines of a lock file without the pins of packages that only CUDA needs."""
    kept = True
    for line in lines:
        if not line.startswith((" ", "#")):
            kept = LEFT_OUT.match(line) is None
        if kept:
            yield line


def refusal(index: str, sha256: str, lock: str) -> str:
    """Return a sentence that says which argument, or what in the lock file, is wrong; empty if nothing is wrong."""
    if TORCH.search(lock) is None:
        return "The lock file pins no torch: pass a lock file of requirements/ on standard input."
    if re.search(r"^torchaudio==", lock, re.MULTILINE):
        return "This lock is for the engine ace_step, which needs a GPU: build it without TORCH_INDEX and TORCH_HASH."
    if not index:
        return "TORCH_HASH is given, but TORCH_INDEX is missing."
    if not sha256:
        return "TORCH_INDEX is given, but TORCH_HASH is missing."
    if not re.fullmatch(r"https?://\S+", index):
        return f"TORCH_INDEX is no address of http or https: {index!r}"
    if not re.fullmatch(r"sha256:[0-9a-f]{64}", sha256):
        return f'TORCH_HASH is not "sha256:" and 64 hexadecimal digits in lower case: {sha256!r}'
    return ""


def explanation(index: str, sha256: str, version: str) -> str:
    """Return a text about the builds of torch that the index has, for an operator whose image build has failed."""
    try:
        with urlopen(f"{index.rstrip('/')}/torch/", timeout=TIMEOUT_SECONDS) as answer:
            page = unquote(answer.read().decode("utf-8", "replace"))
    except (OSError, ValueError) as error:
        return f"TORCH_INDEX cannot be read without pip's settings: {error}"
    offered = re.findall(rf"(torch-{re.escape(version)}\+cpu-[\w.-]+\.whl)#sha256=([0-9a-f]{{64}})", page)
    if not offered:
        return f"The package index TORCH_INDEX has no torch {version}+cpu: choose another index."
    if sha256.removeprefix("sha256:") in {found for _, found in offered}:
        return "TORCH_INDEX has the torch with TORCH_HASH, but for another Python or machine, or pip failed otherwise."
    listed = "\n".join(sorted({f"    {name}  sha256:{found}" for name, found in offered}))
    return f"TORCH_INDEX has no torch with TORCH_HASH, but these:\n{listed}"


def main() -> None:
    """Read a lock file from standard input and write the changed one; exits with 1 if an argument cannot be used."""
    parser = ArgumentParser()
    parser.add_argument("--index", default="")
    parser.add_argument("--hash", default="")
    parser.add_argument("--explain", action="store_true")
    given = parser.parse_args()
    lock = sys.stdin.read()
    pinned = TORCH.search(lock)
    version = pinned[1] if pinned else ""
    if wrong := refusal(given.index, given.hash, lock):
        sys.exit(f"{wrong}\n{ADVICE.format(version=version)}")
    if given.explain:
        sys.exit(f"{explanation(given.index, given.hash, version)}\n{ADVICE.format(version=version)}")
    sys.stdout.write(f"--extra-index-url {given.index}\n")
    sys.stdout.writelines(without_cuda(lock.splitlines(keepends=True)))
    sys.stdout.write(f"torch=={version}+cpu --hash={given.hash}\n")


if __name__ == "__main__":
    main()
