"""Addresses of the two parts of a shared store: the song directory (Redis or Valkey) and the object store."""

from dataclasses import dataclass
from pathlib import PurePosixPath
from urllib.parse import SplitResult, unquote, urlsplit

DIRECTORY_SCHEMES = ("redis", "rediss", "valkey", "valkeys")
OBJECT_SCHEMES = ("s3", "gs", "az", "file", "memory")

_SENTINEL = "+sentinel"
_REDIS_PORT, _SENTINEL_PORT = 6379, 26379


@dataclass(frozen=True, slots=True)
class DirectoryAddress:
    """Address of the song directory (Redis or Valkey): one server, or the sentinels that monitor the primary.

    `hosts` are pairs of host and port. `service` is the name of the primary that the sentinels know; empty without
    sentinels.
    """

    hosts: tuple[tuple[str, int], ...]
    tls: bool = False
    user: str = ""
    database: int = 0
    service: str = ""

    @classmethod
    def parse(cls, url: str) -> "DirectoryAddress":
        """Parse the address of the song directory, for example `valkeys://user@host:6379/0` or
        `valkeys+sentinel://user@host1,host2:26379/service/0`.

        Raises:
            ValueError: the address is invalid; the text says what to write.
        """
        parts = urlsplit(url)
        scheme, sentinel = parts.scheme.removesuffix(_SENTINEL), parts.scheme.endswith(_SENTINEL)
        if scheme not in DIRECTORY_SCHEMES:
            raise ValueError(
                f"the URL must begin with one of {', '.join(DIRECTORY_SCHEMES)}; for Sentinel {_SENTINEL} follows the "
                "scheme"
            )
        user, _, hosts = parts.netloc.rpartition("@")
        if ":" in user:
            raise ValueError(
                "the URL must not contain a password: put it into a file, and set "
                "MELISMA_STORE__DIRECTORY_PASSWORD_FILE to the file"
            )
        if parts.query or parts.fragment or not hosts:
            raise ValueError("the URL must be scheme://host:port/number, without ? or #")
        service, database = _service_and_database(parts, sentinel)
        default_port = _SENTINEL_PORT if sentinel else _REDIS_PORT
        addresses = tuple(_host(host, default_port) for host in hosts.split(","))
        if len(addresses) > 1 and not sentinel:
            raise ValueError("the URL must name one host; for several sentinels write +sentinel after the scheme")
        return cls(addresses, scheme in ("rediss", "valkeys"), unquote(user), database, service)


@dataclass(frozen=True, slots=True)
class ObjectsAddress:
    """Address of the object store: a bucket (or container) and a prefix in it; with `file` the prefix is a folder."""

    scheme: str
    bucket: str = ""
    prefix: str = ""

    @classmethod
    def parse(cls, url: str) -> "ObjectsAddress":
        """Parse the address of the object store: `s3://bucket/prefix`, `gs://bucket/prefix`, `az://container/prefix`,
        `file:///folder` or `memory://`.

        Raises:
            ValueError: the address is invalid; the text says what to write.
        """
        parts = urlsplit(url)
        if parts.scheme not in OBJECT_SCHEMES or parts.query or parts.fragment or "@" in parts.netloc:
            raise ValueError(
                "the URL must be s3://bucket/prefix, gs://bucket/prefix, az://container/prefix or file:///folder"
            )
        if parts.scheme == "file":
            if parts.netloc or not PurePosixPath(parts.path).is_absolute() or parts.path == "/":
                raise ValueError("the URL must be file:///folder, with three slashes")
            return cls("file", prefix=unquote(parts.path))
        if parts.scheme == "memory":
            return cls("memory")
        if not parts.netloc:
            raise ValueError(f"the URL must name a bucket, such as {parts.scheme}://bucket/prefix")
        return cls(parts.scheme, parts.netloc, unquote(parts.path).strip("/"))


def _service_and_database(parts: SplitResult, sentinel: bool) -> tuple[str, int]:
    path = [part for part in parts.path.split("/") if part]
    service = path.pop(0) if sentinel and path else ""
    if sentinel and not service:
        raise ValueError(
            "the URL must name the primary's service after the sentinels: scheme+sentinel://host:port/service"
        )
    if len(path) > 1 or not all(part.isdecimal() for part in path):
        raise ValueError("the URL must end in the number of a database, such as 0 in redis://host:6379/0")
    return unquote(service), int(path[0]) if path else 0


def _host(text: str, default_port: int) -> tuple[str, int]:
    parts = urlsplit(f"//{text}")
    try:
        port = parts.port or default_port
    except ValueError as error:
        raise ValueError(f"{text!r} has no valid port: write host:port, such as redis-1:6379") from error
    if not parts.hostname:
        raise ValueError(f"{text!r} names no host: write host:port, such as redis-1:6379")
    return parts.hostname, port
