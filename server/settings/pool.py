"""Settings of the pool of workers: where the worker processes run."""

import re
from typing import Literal

from pydantic import Field, field_validator, model_validator

from server.settings.groups import Group

_ADDRESS = re.compile(r"[A-Za-z0-9_.-]+:\d{1,5}|\[[0-9A-Fa-f:.]+\]:\d{1,5}")


class Pool(Group):
    """Settings of the pool of workers: processes of this computer, or processes on the nodes of a Ray cluster."""

    kind: Literal["processes", "ray"] = Field(
        default="processes",
        description="place where worker processes run: processes (on this computer) or ray (on the nodes of a Ray "
        "cluster, of which this computer is one; needs pip install 'melisma[ray]')",
    )
    ray_address: str = Field(default="", description="HOST:PORT of the head of the Ray cluster")
    ray_token_file: str = Field(
        default="", description="file of the token with which the Ray cluster was started (RAY_AUTH_MODE=token)"
    )

    @field_validator("ray_address")
    @classmethod
    def _is_host_and_port(cls, value: str) -> str:
        if value and not _ADDRESS.fullmatch(value):
            raise ValueError(
                "the address must be HOST:PORT of the cluster's head, such as ray-head:6379, without a scheme"
            )
        return value

    @model_validator(mode="after")
    def _belong_together(self) -> "Pool":
        given = bool(self.ray_address), bool(self.ray_token_file)
        if self.kind == "ray" and not all(given):
            raise ValueError(
                "MELISMA_POOL__KIND=ray needs MELISMA_POOL__RAY_ADDRESS and MELISMA_POOL__RAY_TOKEN_FILE: whoever "
                "reaches a cluster without a token runs code on it, so start it with RAY_AUTH_MODE=token"
            )
        if self.kind != "ray" and any(given):
            raise ValueError(
                "MELISMA_POOL__RAY_ADDRESS and MELISMA_POOL__RAY_TOKEN_FILE need MELISMA_POOL__KIND=ray: set it, or "
                "remove them"
            )
        return self
