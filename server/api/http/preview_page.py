"""Serves the preview page at / from the folder `page`, whose files are read once at the start, with headers that forbid
foreign content.
"""

import gzip
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

FOLDER = Path(__file__).with_name("page")
INDEX = "index.html"

MEDIA_TYPES: Mapping[str, str] = MappingProxyType(
    {
        ".css": "text/css; charset=utf-8",
        ".html": "text/html; charset=utf-8",
        ".js": "text/javascript; charset=utf-8",
        ".svg": "image/svg+xml",
    }
)
_POLICY = "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
_HEADERS: Mapping[str, str] = MappingProxyType(
    {
        "Cache-Control": "no-cache",
        "Content-Security-Policy": _POLICY,
        "Cross-Origin-Opener-Policy": "same-origin",
        "Referrer-Policy": "no-referrer",
        "Vary": "Accept-Encoding",
        "X-Content-Type-Options": "nosniff",
    }
)
_WORTH_BYTES = 1024


@dataclass(frozen=True)
class _File:
    """One file of the preview page, plain and compressed; the compressed bytes are `None` if compression does not make
    it smaller.
    """

    media_type: str
    data: bytes
    compressed: bytes | None
    etag: str

    def answer(self, request: Request) -> Response:
        """Return the response with the file, or status 304 if the client has its current version."""
        packed = self.compressed if "gzip" in request.headers.get("accept-encoding", "") else None
        etag = f'"{self.etag}"' if packed is None else f'"{self.etag}-gzip"'
        headers = {**_HEADERS, "ETag": etag}
        if etag in request.headers.get("if-none-match", ""):
            return Response(status_code=304, headers=headers)
        if packed is not None:
            headers["Content-Encoding"] = "gzip"
        return Response(self.data if packed is None else packed, headers=headers, media_type=self.media_type)


def page_routes() -> list[Route]:
    """Return the routes of the preview page: / and its files under /page/."""
    paths = [path for path in sorted(FOLDER.rglob("*")) if path.suffix in MEDIA_TYPES]
    files = {path.relative_to(FOLDER).as_posix(): _read(path) for path in paths}
    return [_route("/" if name == INDEX else f"/page/{name}", file) for name, file in files.items()]


def _route(path: str, file: _File) -> Route:
    async def answer(request: Request) -> Response:
        return file.answer(request)

    return Route(path, answer)


def _read(path: Path) -> _File:
    data = path.read_bytes()
    packed = gzip.compress(data, mtime=0) if len(data) >= _WORTH_BYTES else None
    return _File(MEDIA_TYPES[path.suffix], data, packed, hashlib.sha256(data).hexdigest()[:32])
