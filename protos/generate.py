"""Compiles every .proto file of this folder into Python modules and type stubs, and into modules of the TypeScript
client.

Run `python protos/generate.py` after an edit; `python protos/generate.py --check` fails when a committed file is stale.
The target `typescript` needs the client's compiler (`npm ci` in clients/typescript); without a target the Python
modules are compiled.
"""

import argparse
import sys
import sysconfig
import tempfile
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from typing import NamedTuple

from google.rpc import error_details_pb2
from grpc_tools import protoc

PROTOS = Path(__file__).resolve().parent
SOURCES = ("buf/validate/validate.proto", "melisma/orca/v1/load_report.proto", "melisma/v1/music.proto")
SERVICES = ("melisma/v1/music.proto",)
COMMON_PROTOS = Path(error_details_pb2.__file__).parents[2]

TYPESCRIPT = PROTOS.parent / "clients" / "typescript"
TYPESCRIPT_SOURCES = (
    "google/protobuf/any.proto",
    "google/protobuf/duration.proto",
    "google/protobuf/timestamp.proto",
    "google/rpc/error_details.proto",
    "google/rpc/status.proto",
    "melisma/v1/music.proto",
)
TYPESCRIPT_OPTIONS = (
    "emitImportedFiles=false",  # only the server needs the rules of buf/validate
    "enumsAsLiterals=true",
    "env=node",
    "exportCommonSymbols=false",
    "forceLong=number",
    "importSuffix=.js",
    "oneof=unions-value",
    "outputJsonMethods=false",
    "outputServices=grpc-js",
    "removeEnumPrefix=true",
    "stringEnums=true",
    "useExactTypes=false",
)


class Target(NamedTuple):
    """One target of compilation, Python or TypeScript: the folder of its committed files, and the function that
    compiles all sources into a folder.
    """

    folder: Path
    compile_into: Callable[[Path], None]


def compile_python(folder: Path) -> None:
    """Write the Python modules and stubs of all sources into `folder`; raises RuntimeError if protoc fails."""
    include = [f"-I{PROTOS}", f"-I{files('grpc_tools') / '_proto'}"]
    # The plugins are in the folder of the interpreter, which may not be on the search path.
    scripts = Path(sysconfig.get_path("scripts"))
    plugins = [f"--plugin=protoc-gen-{name}={scripts / f'protoc-gen-{name}'}" for name in ("mypy", "mypy_grpc")]
    _protoc([*include, *plugins, f"--python_out={folder}", f"--mypy_out=quiet:{folder}", *SOURCES])
    _protoc([*include, *plugins, f"--grpc_python_out={folder}", f"--mypy_grpc_out=quiet:{folder}", *SERVICES])


def compile_typescript(folder: Path) -> None:
    """Write the TypeScript client's modules into `folder`; raises RuntimeError if protoc or its plugin fails."""
    include = [PROTOS, files("grpc_tools") / "_proto", COMMON_PROTOS]
    plugin = TYPESCRIPT / "node_modules" / ".bin" / "protoc-gen-ts_proto"
    if not plugin.exists():
        raise RuntimeError(f"{plugin} is missing: run `npm ci` in {TYPESCRIPT}")
    options = [f"--ts_proto_opt={','.join(TYPESCRIPT_OPTIONS)}", f"--ts_proto_out={folder}"]
    _protoc([*(f"-I{path}" for path in include), f"--plugin={plugin}", *options, *TYPESCRIPT_SOURCES])


TARGETS = {
    "python": Target(PROTOS, compile_python),
    "typescript": Target(TYPESCRIPT / "src" / "generated", compile_typescript),
}


def _protoc(arguments: list[str]) -> None:
    if protoc.main(["protoc", *arguments]) != 0:
        raise RuntimeError(f"protoc failed: {' '.join(arguments)}")


def stale_files(name: str = "python") -> list[str]:
    """Return the names of the committed files of a target that differ from the files compiled now."""
    target = TARGETS[name]
    with tempfile.TemporaryDirectory() as folder:
        target.compile_into(Path(folder))
        fresh = [path for path in Path(folder).rglob("*") if path.is_file()]
        return [name for path in fresh if _differs(path, target.folder / (name := str(path.relative_to(folder))))]


def _differs(fresh: Path, committed: Path) -> bool:
    return not committed.exists() or committed.read_bytes() != fresh.read_bytes()


def main() -> int:
    """Command line: compile the target, or with `--check` compare it with the committed files; returns the exit
    status.
    """
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("target", nargs="?", choices=TARGETS, default="python", help="language to compile to")
    parser.add_argument("--check", action="store_true", help="change nothing, fail when a generated file is stale")
    arguments = parser.parse_args()
    if not arguments.check:
        TARGETS[arguments.target].folder.mkdir(parents=True, exist_ok=True)
        TARGETS[arguments.target].compile_into(TARGETS[arguments.target].folder)
        return 0
    stale = stale_files(arguments.target)
    for name in stale:
        command = f"python protos/generate.py {arguments.target}"
        print(f"stale: {TARGETS[arguments.target].folder / name} (run {command})", file=sys.stderr)
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
