"""Parses the setting of the server's public address, MELISMA_REST__PUBLIC_URL."""

from urllib.parse import urlsplit


def public_url(text: str) -> str:
    """Return the public address (base URL) for the URLs in responses, without a slash at its end.

    Raises:
        ValueError: the text is not an http or https URL with a host.
    """
    url = urlsplit(text)
    plain = url.scheme in ("http", "https") and url.hostname and not (url.query or url.fragment or "@" in url.netloc)
    if not plain or not text.isascii() or not text.isprintable() or " " in text:
        raise ValueError(f"{text!r} must be a URL such as https://music.example or https://example.com/music")
    _ = url.port  # raises ValueError for an invalid port
    return text.rstrip("/")
