from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from server.auth.certificate_dates import first_end, not_after
from server.auth.tls import Certificates, TlsFiles

BEGIN = datetime(2020, 1, 1, tzinfo=UTC)
SOON, LATE = datetime(2049, 12, 31, 23, 59, 59, tzinfo=UTC), datetime(2050, 1, 1, tzinfo=UTC)
KEY = ec.generate_private_key(ec.SECP256R1())


def certificate(end: datetime, extra: int = 0) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "melisma")])
    names = [x509.DNSName(f"{number}.melisma.example") for number in range(extra + 1)]
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(KEY.public_key())
    builder = builder.serial_number(x509.random_serial_number()).not_valid_before(BEGIN).not_valid_after(end)
    return builder.add_extension(x509.SubjectAlternativeName(names), critical=False).sign(KEY, hashes.SHA256())


def pem(*ends: datetime) -> str:
    return "".join(certificate(end).public_bytes(serialization.Encoding.PEM).decode() for end in ends)


@pytest.mark.parametrize("end", [SOON, LATE], ids=["UTCTime", "GeneralizedTime"])
@pytest.mark.parametrize("extra", [0, 10, 3000])
def test_the_end_of_a_certificate_is_read(end: datetime, extra: int) -> None:
    assert not_after(certificate(end, extra).public_bytes(serialization.Encoding.DER)) == end


def test_of_a_chain_the_first_end_counts() -> None:
    assert first_end(f"a remark\n{pem(LATE, SOON, LATE)}") == SOON


@pytest.mark.parametrize("cut", [0, 1, 3, 20, 60])
def test_what_is_no_certificate_is_refused(cut: int) -> None:
    with pytest.raises(ValueError, match="certificate"):
        not_after(certificate(SOON).public_bytes(serialization.Encoding.DER)[:cut])
    with pytest.raises(ValueError, match="empty"):
        first_end("no certificate")


def test_a_renewed_certificate_is_told_without_any_connection(tmp_path: Path) -> None:
    files = TlsFiles(tmp_path / "tls.crt", tmp_path / "tls.key", tmp_path / "ca.crt")
    private = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    files.key.write_bytes(KEY.private_bytes(*private))
    files.certificate.write_text(pem(SOON))
    (tmp_path / "ca.crt").write_text(pem(LATE))
    certificates = Certificates(files)
    assert certificates.expiry() == {"server": SOON.timestamp(), "client_ca": LATE.timestamp()}
    renewed = SOON + timedelta(days=90)
    (tmp_path / "new.crt").write_text(pem(renewed))
    (tmp_path / "new.crt").replace(files.certificate)
    assert certificates.expiry()["server"] == renewed.timestamp()
