"""The gRPC services grpc.reflection v1 and v1alpha, from which clients read the schema of the server's services.

The library has only v1alpha. Version v1 has the same messages under another package name, so the same code serves both.
"""

from collections.abc import Sequence

import grpc
import grpc.aio
from google.protobuf import descriptor_pool, text_format
from google.protobuf.descriptor_pb2 import FileDescriptorProto
from grpc_reflection.v1alpha import reflection, reflection_pb2

V1 = "grpc.reflection.v1.ServerReflection"
V1ALPHA = reflection.SERVICE_NAME


def add_reflection(services: Sequence[str], server: grpc.aio.Server) -> None:
    """Add the reflection services, which describe `services` and themselves, in both versions to a server."""
    descriptor_pool.Default().AddSerializedFile(_file_of_v1().SerializeToString())
    names = (*services, V1, V1ALPHA)
    reflection.enable_server_reflection(names, server)
    servicer = reflection.aio.ReflectionServicer(names)
    handler = grpc.stream_stream_rpc_method_handler(
        servicer.ServerReflectionInfo,
        request_deserializer=reflection_pb2.ServerReflectionRequest.FromString,
        response_serializer=reflection_pb2.ServerReflectionResponse.SerializeToString,
    )
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(V1, {"ServerReflectionInfo": handler}),))


def _file_of_v1() -> FileDescriptorProto:
    """Return the file descriptor of reflection v1: the descriptor of v1alpha with the package name changed."""
    given = FileDescriptorProto()
    reflection_pb2.DESCRIPTOR.CopyToProto(given)
    text = text_format.MessageToString(given).replace("grpc.reflection.v1alpha", "grpc.reflection.v1")
    found = text_format.Parse(text, FileDescriptorProto())
    found.name = "grpc/reflection/v1/reflection.proto"
    return found
