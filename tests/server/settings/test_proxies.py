"""Tests of the settings about proxies in front of the server."""

import pytest
from pydantic import ValidationError

from server.settings.command_line import read_settings
from server.settings.groups import Rest
from server.settings.proxies import Proxies
from tests.support.table import table


def test_nobody_is_trusted_unless_named(monkeypatch: pytest.MonkeyPatch) -> None:
    assert read_settings([]).proxies.networks == ()
    monkeypatch.setenv("MELISMA_PROXIES__TRUSTED", "10.0.0.0/8, 192.0.2.1,fd00::/8")
    assert [str(one) for one in read_settings([]).proxies.networks] == ["10.0.0.0/8", "192.0.2.1/32", "fd00::/8"]


@pytest.mark.parametrize("text", ["10.0.0.1/8", "proxy.example", "*", "10.0.0.0/33"])
def test_what_is_no_network_is_refused(text: str) -> None:
    with pytest.raises(ValidationError, match="must be an address or a network"):
        Proxies(trusted=text)


@pytest.mark.parametrize(
    ("url", "kept"),
    [
        ("", ""),
        ("https://music.example/", "https://music.example"),
        ("http://[::1]:8080/a/b", "http://[::1]:8080/a/b"),
    ],
)
def test_the_public_address_is_a_url(url: str, kept: str) -> None:
    assert Rest(public_url=url).public_url == kept


@table(
    "url",
    ["music.example", "ftp://a", "https://", "https://a?b", "https://a#b", "https://u@a", "https://a:x", "https://a b"],
)
def test_what_is_no_address_is_refused(url: str) -> None:
    with pytest.raises(ValidationError):
        Rest(public_url=url)
