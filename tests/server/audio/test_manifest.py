from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.x509.oid import ExtendedKeyUsageOID, ObjectIdentifier

from server.audio.codecs.mp3 import Mp3Encoder
from server.audio.manifest import InvalidSigningCertificate, ManifestSigner
from tests.support.signing import KEYS, Signing, pem_of, read_manifest, signing_in
from tests.support.sounds import tone

KIND = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"


def sound() -> bytes:
    encoder = Mp3Encoder(44_100, 128, {"title": "春天"})
    return encoder.feed(tone(0.5)) + encoder.finish()


def signed(files: Signing, data: bytes) -> bytes:
    return ManifestSigner(files.certificate, files.key).sign(data, "audio/mpeg", "song-1", KIND)


@pytest.mark.parametrize("make_key", KEYS.values(), ids=KEYS)
def test_others_read_that_the_file_was_generated_and_is_as_it_was(tmp_path: Path, make_key: Callable[[], Any]) -> None:
    data = sound()
    manifest = signed(signing_in(tmp_path, make_key()), data)

    state, told = read_manifest(data, manifest)
    assert state == "Valid"
    assert told["title"] == "song-1"
    (actions,) = (one["data"]["actions"] for one in told["assertions"] if one["label"].startswith("c2pa.actions"))
    assert [(one["action"], one["digitalSourceType"]) for one in actions] == [("c2pa.created", KIND)]
    assert told["signature_info"]["common_name"] == "signer"
    for name, changed in {
        "shorter": data[:-1],
        "other sound": data[:-200] + bytes([data[-200] ^ 1]) + data[-199:],
        "other tag": data.replace("春".encode(), "秋".encode()),
        "no tag": data[data.index(b"\xff\xfb") :],
    }.items():
        assert read_manifest(changed, manifest)[0] == "Invalid", name


@pytest.mark.parametrize("purpose", ["1.3.6.1.5.5.7.3.36", "1.3.6.1.4.1.62558.2.1"], ids=["documents", "C2PA"])
def test_certificates_for_documents_and_for_claims_are_fit(tmp_path: Path, purpose: str) -> None:
    files = signing_in(tmp_path, purpose=ObjectIdentifier(purpose))

    assert read_manifest(sound(), signed(files, sound()), purpose)[0] == "Valid"


def broken(files: Signing, **content: bytes) -> Signing:
    for name, data in content.items():
        getattr(files, name).write_bytes(data)
    return files


UNFIT: dict[str, tuple[Callable[[Path], Signing], str]] = {
    "no file": (lambda folder: Signing(folder / "none.pem", folder / "none.pem"), "none.pem cannot be read"),
    "no key": (lambda folder: broken(signing_in(folder), key=b"nonsense"), ""),
    "no certificate": (lambda folder: broken(signing_in(folder), certificate=b"nonsense"), ""),
    "another key": (lambda folder: broken(signing_in(folder), key=pem_of(KEYS["P-256"]())), ""),
    "expired": (lambda folder: signing_in(folder, days=-1), "was not valid at time of signing"),
    "for servers": (lambda folder: signing_in(folder, purpose=ExtendedKeyUsageOID.SERVER_AUTH), ""),
}


@pytest.mark.parametrize(("files", "reason"), UNFIT.values(), ids=UNFIT)
def test_a_certificate_that_is_not_fit_is_refused_at_the_start(
    tmp_path: Path, files: Callable[[Path], Signing], reason: str
) -> None:
    unfit = files(tmp_path)

    with pytest.raises(InvalidSigningCertificate) as refused:
        ManifestSigner(unfit.certificate, unfit.key)

    assert str(refused.value).startswith(
        "the files of MELISMA_MARKING__CERTIFICATE and MELISMA_MARKING__KEY cannot sign C2PA manifests: "
    )
    assert reason in str(refused.value)


def test_without_the_package_the_error_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    files = signing_in(tmp_path)

    with pytest.raises(InvalidSigningCertificate, match=r"install 'melisma\[c2pa\]'"):
        ManifestSigner(files.certificate, files.key)
