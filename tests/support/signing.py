"""Makes certificates for tests of C2PA manifests, and reads manifests as other programs do."""

import datetime
import io
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import c2pa
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.asymmetric.types import CertificateIssuerPrivateKeyTypes, PrivateKeyTypes
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID, ObjectIdentifier

NOW = datetime.datetime.now(datetime.UTC)
_USES = (
    "digital_signature",
    "content_commitment",
    "key_encipherment",
    "data_encipherment",
    "key_agreement",
    "key_cert_sign",
    "crl_sign",
    "encipher_only",
    "decipher_only",
)
KEYS: dict[str, Callable[[], CertificateIssuerPrivateKeyTypes]] = {
    "P-256": lambda: ec.generate_private_key(ec.SECP256R1()),
    "P-384": lambda: ec.generate_private_key(ec.SECP384R1()),
    "Ed25519": ed25519.Ed25519PrivateKey.generate,
    "RSA": lambda: rsa.generate_private_key(65_537, 2048),
}


@dataclass(frozen=True)
class Signing:
    """The files of a certificate chain and of its private key."""

    certificate: Path
    key: Path


def signing_in(
    folder: Path,
    key: CertificateIssuerPrivateKeyTypes | None = None,
    *,
    days: int = 30,
    purpose: ObjectIdentifier = ExtendedKeyUsageOID.EMAIL_PROTECTION,
) -> Signing:
    """Write the files of a certificate for `key`, valid for `days`, from an untrusted authority into `folder`, and
    return them. `purpose` is the only extended key usage of the certificate.
    """
    key, authority = key or ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    root = _certificate("authority", authority, authority, x509.BasicConstraints(True, None), ("key_cert_sign",), 60)
    leaf = _certificate(
        "signer", key, authority, x509.BasicConstraints(False, None), ("digital_signature",), days, purpose
    )
    (folder / "chain.pem").write_bytes(leaf + root)
    (folder / "key.pem").write_bytes(pem_of(key))
    return Signing(folder / "chain.pem", folder / "key.pem")


def pem_of(key: PrivateKeyTypes) -> bytes:
    plain = serialization.NoEncryption()
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)


def read_manifest(sound: bytes, manifest: bytes, purpose: str = "") -> tuple[str, dict[str, Any]]:
    """Return the validation state of a manifest according to a reader that accepts only certificates for `purpose`, and
    the manifest itself.
    """
    context = c2pa.Context(c2pa.Settings.from_dict({"trust": {"trust_config": purpose}})) if purpose else None
    with c2pa.Reader("audio/mpeg", io.BytesIO(sound), manifest, context) as reader:
        told = json.loads(reader.json())
    return told["validation_state"], told["manifests"][told["active_manifest"]]


def _certificate(
    name: str,
    key: CertificateIssuerPrivateKeyTypes,
    issuer: CertificateIssuerPrivateKeyTypes,
    constraints: x509.BasicConstraints,
    uses: tuple[str, ...],
    days: int,
    purpose: ObjectIdentifier | None = None,
) -> bytes:
    builder = (
        x509.CertificateBuilder()
        .subject_name(_name(name))
        .issuer_name(_name("authority"))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOW - datetime.timedelta(days=60))
        .not_valid_after(NOW + datetime.timedelta(days=days))
        .add_extension(constraints, True)
        .add_extension(x509.KeyUsage(**{use: use in uses for use in _USES}), True)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer.public_key()), False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False)
    )
    if purpose:
        builder = builder.add_extension(x509.ExtendedKeyUsage([purpose]), False)
    return builder.sign(issuer, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


def _name(text: str) -> x509.Name:
    return x509.Name(
        [x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Tests"), x509.NameAttribute(NameOID.COMMON_NAME, text)]
    )
