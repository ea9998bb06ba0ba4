from melisma.v1 import music_pb2
from server.api.grpc.authentication import SCOPES


def test_every_method_of_the_contract_needs_a_scope() -> None:
    service = music_pb2.DESCRIPTOR.services_by_name["MusicService"]
    assert SCOPES.keys() == {f"/{service.full_name}/{method.name}" for method in service.methods}
