"""Build hook that adds the compiled protobuf messages to the sdist and the wheel.

In the repository the messages are in `protos/`; in an unpacked sdist they are beside this file.
"""

from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

PACKAGES = ("melisma", "buf")


class ContractHook(BuildHookInterface[Any]):
    """Adds the packages `melisma` and `buf`, with the compiled protobuf messages, to the sdist and the wheel."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Add the folders of the packages `melisma` and `buf` to hatchling's build data.

        Raises:
            FileNotFoundError: a package is missing in the repository or the sdist.
        """
        here = Path(self.root)
        for package in PACKAGES:
            places = (here / package, here.parents[1] / "protos" / package)
            folder = next((place for place in places if place.is_dir()), None)
            if folder is None:
                raise FileNotFoundError(
                    f"the folder {package} is missing: build from a checkout of Melisma or from its sdist"
                )
            build_data["force_include"][str(folder)] = package
