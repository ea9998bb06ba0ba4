import pytest

from server.store.shared.addresses import DirectoryAddress, ObjectsAddress


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("redis://host", DirectoryAddress((("host", 6379),))),
        ("valkey://[::1]:7000/2", DirectoryAddress((("::1", 7000),), database=2)),
        ("rediss://a%40b@host", DirectoryAddress((("host", 6379),), tls=True, user="a@b")),
        (
            "valkeys+sentinel://me@one,two:5000/songs/3",
            DirectoryAddress((("one", 26379), ("two", 5000)), tls=True, user="me", database=3, service="songs"),
        ),
    ],
)
def test_an_address_of_the_directory_is_read(url: str, address: DirectoryAddress) -> None:
    assert DirectoryAddress.parse(url) == address


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("s3://songs", ObjectsAddress("s3", "songs")),
        ("gs://songs/a/b/", ObjectsAddress("gs", "songs", "a/b")),
        ("file:///var/songs", ObjectsAddress("file", prefix="/var/songs")),
        ("memory://", ObjectsAddress("memory")),
    ],
)
def test_an_address_of_objects_is_read(url: str, address: ObjectsAddress) -> None:
    assert ObjectsAddress.parse(url) == address
