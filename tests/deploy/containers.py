"""Runs container images with crun, without a container daemon."""

import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.deploy import images
from tests.deploy.tools import output_of, running
from tests.support.servers import answers, free_port

_STORE = "MELISMA_STORE__FOLDER="


@dataclass(frozen=True)
class Container:
    """A running container: its process, port, log file and folder of songs."""

    process: subprocess.Popen[bytes]
    port: int
    log: Path
    songs: Path
    _crun: tuple[str, ...]
    _user: str

    def execute(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Run a command in the container, as the user of the image; return its exit status and output."""
        inside = [*self._crun, "exec", "--user", self._user, "melisma", *command]
        return subprocess.run(inside, capture_output=True, text=True, timeout=60, check=False)

    def signal(self, name: str) -> None:
        """Send a signal to the first process in the container."""
        output_of(*self._crun, "kill", "melisma", name)


@contextmanager
def running_container(image: str, folder: Path) -> Iterator[Container]:
    """Context manager with a container that runs the command of the image, without any capability.

    The container can write only to /tmp and to a folder for songs. It shares the network of this computer and listens
    on free ports of the loopback address. `folder` holds its log and its songs.
    """
    config = images.config_of(image)
    port, http_port = free_port(), free_port()
    environment = {"MELISMA_HOST": "127.0.0.1", "MELISMA_PORT": port, "MELISMA_HTTP_PORT": http_port}
    crun = (*_OWN_CGROUPS, "crun", "--root", str(folder / "crun"), "--cgroup-manager", "disabled")
    with images.unpacked(image) as root:
        output_of(*crun, "spec", "--file", folder / "config.json")
        spec = json.loads((folder / "config.json").read_text("utf-8"))
        songs = _songs_folder(folder, config)
        settings = [f"{name}={value}" for name, value in environment.items()]
        (folder / "config.json").write_text(
            json.dumps(_hardened(spec, config, settings, root, songs)), encoding="utf-8"
        )
        log = folder / "log"
        try:
            command = (*crun, "run", "--bundle", str(folder), "melisma")
            with running(*command, ready=lambda: answers(port), log=log) as process:
                yield Container(process, port, log, songs, crun, config["User"])
        finally:
            subprocess.run([*crun, "delete", "--force", "melisma"], capture_output=True, timeout=60, check=False)


_OWN_CGROUPS = (
    *images.ALONE,
    # crun refuses machines with cgroups of both versions mounted, even when it is to use none.
    *("sh", "-c", 'mount -t cgroup2 cgroup2 /sys/fs/cgroup && exec "$@"', "sh"),
)


def _songs_folder(folder: Path, config: dict[str, Any]) -> Path:
    """Make a folder for songs that belongs to the user of the image, like a mounted volume, and return its path.
    `config` is the container configuration of the image.
    """
    songs = folder / "songs"
    songs.mkdir()
    os.chown(songs, *map(int, config["User"].split(":")))
    return songs


def _hardened(
    spec: dict[str, Any], config: dict[str, Any], settings: list[str], root: Path, songs: Path
) -> dict[str, Any]:
    uid, gid = map(int, config["User"].split(":"))
    spec["process"] |= {
        "terminal": False,
        "user": {"uid": uid, "gid": gid},
        "args": config["Entrypoint"],
        "env": [*config["Env"], *settings],
        "cwd": config["WorkingDir"],
        "capabilities": {},
        "noNewPrivileges": True,
    }
    spec["root"] = {"path": str(root), "readonly": True}
    spec["mounts"] = [mount for mount in spec["mounts"] if not mount["destination"].startswith("/sys")]
    spec["mounts"].append(
        {"destination": "/tmp", "type": "tmpfs", "source": "tmpfs", "options": ["nosuid", "nodev", "noexec"]}
    )
    place = next(entry for entry in config["Env"] if entry.startswith(_STORE)).removeprefix(_STORE)
    options = ["rbind", "rw", "nosuid", "nodev", "noexec"]
    spec["mounts"].append({"destination": place, "type": "bind", "source": str(songs), "options": options})
    spec["linux"]["namespaces"] = [space for space in spec["linux"]["namespaces"] if space["type"] != "network"]
    return spec
