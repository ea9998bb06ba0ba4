from pathlib import Path

import pytest

from server.settings.command_line import InvalidSettings, read_settings
from server.store.claim import Resume

SHARED = {"KIND": "shared", "DIRECTORY": "valkeys://melisma@valkey:6379/1", "OBJECTS": "s3://songs/melisma"}


def given(monkeypatch: pytest.MonkeyPatch, **values: str) -> None:
    for name, value in values.items():
        monkeypatch.setenv(f"MELISMA_STORE__{name}", value)


def test_songs_are_kept_in_a_folder_unless_another_store_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    given(monkeypatch, FOLDER="/songs")
    store = read_settings([]).store
    assert (store.kind, store.path) == ("embedded", Path("/songs"))


def test_a_shared_store_has_a_directory_and_objects(monkeypatch: pytest.MonkeyPatch) -> None:
    given(monkeypatch, **SHARED, OBJECTS_ENDPOINT="http://objects:8333", LEASE_SECONDS="3")
    store = read_settings([]).store
    assert (store.directory, store.objects) == (SHARED["DIRECTORY"], SHARED["OBJECTS"])
    assert (store.lease_seconds, store.flush_seconds) == (3.0, 0.1)


def test_an_empty_folder_suits_the_shared_store(monkeypatch: pytest.MonkeyPatch) -> None:
    given(monkeypatch, **SHARED, FOLDER="")
    assert read_settings([]).store.kind == "shared"


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"KIND": "both"}, "MELISMA_STORE__KIND: Input should be 'embedded' or 'shared'"),
        (
            {"DIRECTORY": "redis://host"},
            "DIRECTORY: has an effect only with the shared store: leave it empty, or set MELISMA_STORE__KIND to shared",
        ),
        ({"FLUSH_SECONDS": "0.2", "LEASE_SECONDS": "3"}, "LEASE_SECONDS: has an effect only with the shared store"),
        ({**SHARED, "FOLDER": "/songs"}, "FOLDER: has an effect only with the embedded store: leave it empty"),
        (
            {"KIND": "shared", "OBJECTS": "s3://songs"},
            "MELISMA_STORE__KIND=shared needs MELISMA_STORE__DIRECTORY and MELISMA_STORE__OBJECTS",
        ),
        (
            {"KIND": "shared", "DIRECTORY": "redis://host"},
            "MELISMA_STORE__KIND=shared needs MELISMA_STORE__DIRECTORY and MELISMA_STORE__OBJECTS",
        ),
        (
            {**SHARED, "DIRECTORY": "http://host"},
            "MELISMA_STORE__DIRECTORY: Value error, the URL must begin with one of redis",
        ),
        ({**SHARED, "DIRECTORY": "redis://:secret@host"}, "must not contain a password"),
        ({**SHARED, "DIRECTORY": "redis://one,two"}, "must name one host"),
        ({**SHARED, "DIRECTORY": "redis+sentinel://one,two"}, "name the primary's service"),
        ({**SHARED, "DIRECTORY": "redis://host/zero"}, "number of a database"),
        ({**SHARED, "DIRECTORY": "redis://host:99999"}, "has no valid port"),
        ({**SHARED, "DIRECTORY": "redis://host", "DIRECTORY_CA": "/ca.pem"}, "DIRECTORY_CA needs TLS"),
        (
            {**SHARED, "OBJECTS": "ftp://songs"},
            "MELISMA_STORE__OBJECTS: Value error, the URL must be s3://bucket/prefix",
        ),
        ({**SHARED, "OBJECTS": "s3:///songs"}, "name a bucket"),
        ({**SHARED, "OBJECTS": "file://songs"}, "three slashes"),
        ({**SHARED, "OBJECTS_ENDPOINT": "objects:8333"}, "must be https://host:port"),
        ({**SHARED, "OBJECTS": "gs://songs", "OBJECTS_ENDPOINT": "https://x"}, "OBJECTS_ENDPOINT is for S3 alone"),
        ({**SHARED, "LEASE_SECONDS": "0.1"}, "MELISMA_STORE__LEASE_SECONDS"),
        ({**SHARED, "RESUME": "sometimes"}, "MELISMA_STORE__RESUME"),
        ({**SHARED, "RESUME": '{"studio": "sometimes"}'}, "MELISMA_STORE__RESUME"),
        ({**SHARED, "RESUME": '{"studio": '}, "MELISMA_STORE__RESUME"),
        ({**SHARED, "RESUME": '{"another": "never"}'}, "MELISMA_STORE__RESUME names the engine 'another'"),
        ({"RESUME": "never"}, "RESUME: has an effect only with the shared store"),
    ],
)
def test_what_does_not_fit_is_refused_with_what_to_do(
    monkeypatch: pytest.MonkeyPatch, values: dict[str, str], said: str
) -> None:
    given(monkeypatch, **values)
    with pytest.raises(InvalidSettings) as refused:
        read_settings([])
    assert said in str(refused.value)
    assert "MELISMA_STORE" in str(refused.value)


@pytest.mark.parametrize(
    ("text", "rules"),
    [("", ""), ("never", Resume.NEVER), ('{"studio": "unheard"}', {"studio": Resume.UNHEARD})],
)
def test_songs_of_lost_servers_go_on_by_one_rule_or_one_for_each_engine(
    monkeypatch: pytest.MonkeyPatch, text: str, rules: object
) -> None:
    given(monkeypatch, **SHARED, RESUME=text)
    assert read_settings([]).store.resume == rules
