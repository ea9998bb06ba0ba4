"""Signs C2PA manifests (C2PA Technical Specification, c2pa.org) for complete songs.

A manifest is a file of its own, so the song's file does not change after it was streamed. The manifest contains a hash
of the song's bytes, which shows to which file it belongs.
"""

import importlib.util
import io
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from server.audio.codecs.id3 import head_tag
from server.audio.marks import GENERATED
from server.version import VERSION

if TYPE_CHECKING:
    import c2pa

_CURVES = {"secp256r1": b"es256", "secp384r1": b"es384", "secp521r1": b"es512"}
_SAMPLE = head_tag({"title": "silence"}) + bytes([0xFF, 0xFB, 0x90, 0x40]).ljust(417, b"\0")
_GOOD = ("Valid", "Trusted")
_PURPOSES = ("1.3.6.1.5.5.7.3.4", "1.3.6.1.5.5.7.3.36", "1.3.6.1.4.1.62558.2.1")
"""Extended key usages of certificates for C2PA: emailProtection, documentSigning, and C2PA's own."""


class InvalidSigningCertificate(RuntimeError):
    """Error: manifests cannot be signed with the files of the settings MELISMA_MARKING__CERTIFICATE and
    MELISMA_MARKING__KEY; the text gives the reason.
    """


class SigningFailed(Exception):
    """Error: a manifest could not be signed; the text gives the reason, for the operator."""


class ManifestSigner:
    """Signs C2PA manifests with one certificate. Use it in one thread at a time."""

    def __init__(self, certificate: Path, key: Path) -> None:
        """Read the PEM files, a certificate chain and its key, and test them by signing a frame of silence.

        Raises:
            InvalidSigningCertificate: the package c2pa-python is missing, or the files cannot be used for C2PA.
        """
        if importlib.util.find_spec("c2pa") is None:
            raise InvalidSigningCertificate(
                "MELISMA_MARKING__CERTIFICATE needs the Python package c2pa-python: run pip install 'melisma[c2pa]', "
                "or leave MELISMA_MARKING__CERTIFICATE empty"
            )
        try:
            chain, private = certificate.read_bytes(), key.read_bytes()
        except OSError as error:
            raise _unfit(f"{error.filename} cannot be read ({error.strerror})") from error
        self._signer, self._context = _opened(chain, private), _context()
        self._try()

    def sign(self, sound: bytes, media_type: str, title: str, digital_source_type: str) -> bytes:
        """Return a signed manifest, serialized, for a file with the bytes `sound`, in which the song is named `title`.
        The manifest states that the file was created, and its IPTC digital source type.

        Raises:
            SigningFailed: the certificate has expired, or the library reports another error.
        """
        import c2pa

        created = {"action": "c2pa.created", "digitalSourceType": digital_source_type}
        manifest = {
            "claim_generator_info": [{"name": "Melisma", "version": VERSION}],
            "title": title,
            "format": media_type,
            "assertions": [{"label": "c2pa.actions", "data": {"actions": [created]}}],
        }
        try:
            with c2pa.Builder(json.dumps(manifest), self._context) as builder:
                builder.set_no_embed()
                signed: bytes = builder.sign(self._signer, media_type, io.BytesIO(sound), io.BytesIO())
            self._require_good(sound, media_type, signed)
        except c2pa.C2paError as error:
            raise SigningFailed(str(error)) from error
        return signed

    def _require_good(self, sound: bytes, media_type: str, manifest: bytes) -> None:
        """Validate the manifest of the file `sound` as programs that read manifests do; raise SigningFailed if it is
        not valid.
        """
        import c2pa

        with c2pa.Reader(media_type, io.BytesIO(sound), manifest, self._context) as reader:
            report: dict[str, Any] = json.loads(reader.json())
        if report.get("validation_state") not in _GOOD:
            raise SigningFailed("; ".join(one.get("explanation", one["code"]) for one in report["validation_status"]))

    def _try(self) -> None:
        try:
            self.sign(_SAMPLE, "audio/mpeg", "silence", GENERATED)
        except SigningFailed as error:
            raise _unfit(str(error)) from error


def _context() -> "c2pa.Context":
    """Return the context of the C2PA library, whose settings allow certificates of all purposes."""
    import c2pa

    return c2pa.Context(c2pa.Settings.from_dict({"trust": {"trust_config": "\n".join(_PURPOSES)}}))


def _opened(chain: bytes, private: bytes) -> "c2pa.Signer":
    import c2pa

    try:
        return c2pa.Signer.from_info(c2pa.C2paSignerInfo(_algorithm(private), chain, private, None))
    except (c2pa.C2paError, ValueError, TypeError) as error:
        raise _unfit(str(error)) from error


def _algorithm(private: bytes) -> bytes:
    """Return C2PA's name of the signature algorithm, such as b"es256", for a private key in PEM. Raises ValueError if
    C2PA does not support the key.
    """
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    match load_pem_private_key(private, None):
        case ec.EllipticCurvePrivateKey(curve=curve) if curve.name in _CURVES:
            return _CURVES[curve.name]
        case ed25519.Ed25519PrivateKey():
            return b"ed25519"
        case rsa.RSAPrivateKey():
            return b"ps256"
    raise ValueError("C2PA does not support this kind of private key: use a P-256, P-384, P-521, Ed25519 or RSA key")


def _unfit(reason: str) -> InvalidSigningCertificate:
    return InvalidSigningCertificate(
        f"the files of MELISMA_MARKING__CERTIFICATE and MELISMA_MARKING__KEY cannot sign C2PA manifests: {reason}"
    )
