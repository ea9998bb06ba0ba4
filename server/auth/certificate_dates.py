"""Reads the expiry date of X.509 certificates."""

import re
import ssl
from datetime import UTC, datetime

_PEM = re.compile(r"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)
_SEQUENCE, _INTEGER, _UTC_TIME, _GENERALIZED_TIME = 0x30, 0x02, 0x17, 0x18
_VERSION = 0xA0
_LONG_LENGTH = 0x80


def first_end(pem: str) -> datetime:
    """Return the earliest expiry date of the certificates in a PEM file.

    Raises:
        ValueError: the file has no certificate, or an invalid one.
    """
    return min(not_after(ssl.PEM_cert_to_DER_cert(one)) for one in _PEM.findall(pem))


def not_after(der: bytes) -> datetime:
    """Return the expiry date of a certificate (RFC 5280, DER).

    Raises:
        ValueError: the certificate is invalid.
    """
    try:
        return _not_after(der)
    except IndexError:
        raise ValueError("the certificate is incomplete: its file must contain the whole certificate") from None


def _not_after(der: bytes) -> datetime:
    certificate, _ = _value(der, 0, _SEQUENCE)
    body, _ = _value(certificate, 0, _SEQUENCE)
    at = _value(body, 0, _VERSION)[1] if body[0] == _VERSION else 0
    for tag in (_INTEGER, _SEQUENCE, _SEQUENCE):  # serial number, algorithm, issuer
        _, at = _value(body, at, tag)
    validity, _ = _value(body, at, _SEQUENCE)
    _, at = _value(validity, 0, _UTC_TIME, _GENERALIZED_TIME)
    text, _ = _value(validity, at, _UTC_TIME, _GENERALIZED_TIME)
    century = "" if validity[at] == _GENERALIZED_TIME else "20" if int(text[:2]) < 50 else "19"
    return datetime.strptime(century + text.decode("ascii"), "%Y%m%d%H%M%SZ").replace(tzinfo=UTC)


def _value(data: bytes, at: int, *tags: int) -> tuple[bytes, int]:
    """Return the content of the DER element at the byte offset `at`, and the offset after the element. The element must
    have one of the `tags`.

    Raises:
        ValueError: the element has another tag.
    """
    if data[at] not in tags:
        raise ValueError(
            f"the certificate is damaged, with the DER tag {data[at]:#04x} in place of one of {tags}: replace its file"
        )
    size, start = data[at + 1], at + 2
    if size & _LONG_LENGTH:
        start, count = start + size - _LONG_LENGTH, size - _LONG_LENGTH
        size = int.from_bytes(data[start - count : start])
    return data[start : start + size], start + size
