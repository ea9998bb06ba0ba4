import json
import logging
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from server.auth.api_keys import ApiKeyFile, InvalidKeyFile, Scope, new_key
from server.quota import Quota


def write(path: Path, *entries: dict[str, Any]) -> None:
    """Replace the file of API keys by a new file, as editors and Kubernetes do."""
    fresh = path.with_suffix(".new")
    fresh.write_text(json.dumps({"keys": entries}), "utf-8")
    fresh.replace(path)


def entry(name: str, **limits: Any) -> tuple[str, dict[str, Any]]:
    secret, key = new_key(name)
    return secret, {"name": name, "sha256": key.sha256, **limits}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "keys.json"


def test_a_key_is_found_by_itself_alone(file: Path) -> None:
    secret, given = entry("games", scopes=["generate"], concurrent_songs=2)
    write(file, given, entry("films")[1])
    ring = ApiKeyFile(file)
    found = ring.find(secret)
    assert found is not None
    assert (found.name, found.scopes, found.quota) == ("games", frozenset({Scope.GENERATE}), Quota(concurrent_songs=2))
    assert ring.find(given["sha256"]) is None
    assert ring.find(secret[:-1]) is None
    assert ring.find("") is None


def test_nothing_of_a_key_is_in_the_file(file: Path) -> None:
    secret, given = entry("games")
    write(file, given)
    assert secret not in file.read_text("utf-8")
    assert given["sha256"] not in repr(ApiKeyFile(file).find(secret))


def test_an_expired_key_is_unknown(file: Path) -> None:
    secret, given = entry("games", expires_at="2030-01-01T00:00:00Z")
    write(file, given)
    assert ApiKeyFile(file, lambda: datetime(2029, 12, 31, tzinfo=UTC)).find(secret) is not None
    assert ApiKeyFile(file, lambda: datetime(2030, 1, 1, tzinfo=UTC)).find(secret) is None


def test_the_next_expiry_is_that_which_leaves_a_caller_without_a_key(file: Path) -> None:
    def end(year: int) -> str:
        return f"{year}-01-01T00:00:00Z"

    def told(*entries: tuple[str, dict[str, Any]]) -> float | None:
        write(file, *(given for _, given in entries))
        return ApiKeyFile(file, lambda: datetime(2029, 6, 1, tzinfo=UTC)).next_expiry()

    old, new = entry("games", expires_at=end(2030)), entry("games")
    assert told(old, entry("films", expires_at=end(2035))) == datetime(2030, 1, 1, tzinfo=UTC).timestamp()
    assert told(old, new, entry("films", expires_at=end(2035))) == datetime(2035, 1, 1, tzinfo=UTC).timestamp()
    assert told(old, new) is None
    assert told(entry("games", expires_at=end(2029))) is None


def test_a_changed_file_is_read_again(file: Path) -> None:
    old, given = entry("games")
    new, other = entry("games", songs_per_minute=3)
    write(file, given)
    ring = ApiKeyFile(file)
    write(file, other, given)
    assert ring.find(new) is None
    ring.reload()
    assert ring.find(new) is not None
    assert ring.find(old) is not None
    assert ring.quota("games") == Quota(songs_per_minute=3)
    write(file, other)
    ring.reload()
    assert ring.find(old) is None


@pytest.mark.parametrize("broken", [b"{", b'{"keys": [{"name": "x"}]}', b""])
def test_a_broken_file_changes_nothing(file: Path, broken: bytes, caplog: pytest.LogCaptureFixture) -> None:
    secret, given = entry("games")
    write(file, given)
    ring = ApiKeyFile(file)
    file.write_bytes(broken)
    ring.reload()
    assert ring.find(secret) is not None
    assert not ring.usable
    assert [record.levelno for record in caplog.records] == [logging.ERROR]
    write(file, given)
    ring.reload()
    assert ring.usable


def test_a_file_that_is_gone_changes_nothing(file: Path) -> None:
    secret, given = entry("games")
    write(file, given)
    ring = ApiKeyFile(file)
    file.unlink()
    ring.reload()
    assert ring.find(secret) is not None
    assert not ring.usable


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        ({"sha256": "abc"}, "keys.0.sha256"),
        ({"name": "a b"}, "keys.0.name"),
        ({"scope": ["generate"]}, "keys.0.scope"),
        ({"scopes": ["admin"]}, "keys.0.scopes"),
        ({"songs_per_minute": 0}, "keys.0.songs_per_minute"),
        ({"expires_at": "2030-01-01T00:00:00"}, "keys.0.expires_at"),
    ],
)
def test_an_unusable_file_is_told_by_its_field(file: Path, fault: dict[str, Any], told: str) -> None:
    _, given = entry("games")
    write(file, given | fault)
    with pytest.raises(InvalidKeyFile, match=told) as error:
        ApiKeyFile(file)
    assert str(file) in str(error.value)
    assert given["sha256"] not in str(error.value)


def test_the_same_key_cannot_have_two_entries(file: Path) -> None:
    _, given = entry("games")
    write(file, given, given | {"name": "films"})
    with pytest.raises(InvalidKeyFile, match="'games' and 'films' have the same key"):
        ApiKeyFile(file)


def test_a_missing_file_is_named(file: Path) -> None:
    with pytest.raises(InvalidKeyFile, match=r"keys\.json cannot be read \(No such file"):
        ApiKeyFile(file)


def test_the_command_line_makes_a_key_that_works(file: Path) -> None:
    command = [sys.executable, "-m", "server.auth.api_keys", "games"]
    made = subprocess.run(command, capture_output=True, text=True, check=True, env={**os.environ, "PYTHONPATH": "."})
    write(file, json.loads(made.stderr.splitlines()[-1]))
    found = ApiKeyFile(file).find(made.stdout.strip())
    assert found is not None
    assert found.name == "games"
    assert found.scopes == frozenset(Scope)


def test_a_file_that_everybody_may_write_to_is_refused(file: Path) -> None:
    secret, given = entry("games")
    write(file, given)
    ring = ApiKeyFile(file)
    write(file, entry("films")[1])
    file.chmod(0o646)
    ring.reload()
    assert (ring.usable, ring.find(secret) is not None) == (False, True)
    with pytest.raises(InvalidKeyFile, match="chmod o-w"):
        ApiKeyFile(file)
    file.chmod(0o664)
    ApiKeyFile(file)
