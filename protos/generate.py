"""Compile every .proto of this folder into Python modules and type stubs beside it.

Run `python protos/generate.py` after an edit; `python protos/generate.py --check` fails when a committed file is stale.
"""

import argparse
import sys
import sysconfig
import tempfile
from importlib.resources import files
from pathlib import Path

from grpc_tools import protoc

PROTOS = Path(__file__).resolve().parent
SOURCES = ("buf/validate/validate.proto", "melisma/orca/v1/load_report.proto", "melisma/v1/music.proto")
SERVICES = ("melisma/v1/music.proto",)


def compile_into(folder: Path) -> None:
    """Write the modules and stubs of all sources into `folder`; raises RuntimeError when protoc refuses."""
    include = [f"-I{PROTOS}", f"-I{files('grpc_tools') / '_proto'}"]
    _protoc([*include, f"--python_out={folder}", f"--mypy_out=quiet:{folder}", *SOURCES])
    _protoc([*include, f"--grpc_python_out={folder}", f"--mypy_grpc_out=quiet:{folder}", *SERVICES])


def _protoc(arguments: list[str]) -> None:
    # The plugins lie beside the interpreter, which need not be on the search path.
    scripts = Path(sysconfig.get_path("scripts"))
    plugins = [f"--plugin=protoc-gen-{name}={scripts / f'protoc-gen-{name}'}" for name in ("mypy", "mypy_grpc")]
    if protoc.main(["protoc", *plugins, *arguments]) != 0:
        raise RuntimeError(f"protoc failed: {' '.join(arguments)}")


def stale_files() -> list[str]:
    """Names of generated files that differ from what the sources give now."""
    with tempfile.TemporaryDirectory() as folder:
        compile_into(Path(folder))
        fresh = [path for path in Path(folder).rglob("*") if path.is_file()]
        return [name for path in fresh if _differs(path, name := str(path.relative_to(folder)))]


def _differs(fresh: Path, name: str) -> bool:
    committed = PROTOS / name
    return not committed.exists() or committed.read_bytes() != fresh.read_bytes()


def main() -> int:
    """Generate, or with `--check` compare; the return value is the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="change nothing, fail when a generated file is stale")
    if not parser.parse_args().check:
        compile_into(PROTOS)
        return 0
    stale = stale_files()
    for name in stale:
        print(f"stale: protos/{name} (run python protos/generate.py)", file=sys.stderr)
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
