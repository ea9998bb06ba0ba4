"""The parameters of an address: those that its path takes, each once, and no others."""

from collections.abc import Collection

from starlette.requests import Request

from model.song import Violation
from server.api.rest.proto_json import printable
from server.errors import InvalidRequest


def check_query(request: Request, names: Collection[str]) -> None:
    """Refuse parameters that would be ignored.

    Raises:
        InvalidRequest: the query has a parameter beside `names`, or one of them twice.
    """
    given = [name for name, _ in request.query_params.multi_items()]
    takes = f"this path takes {' and '.join(names)}" if names else "this path takes none"
    found = [
        Violation(printable(name), f"is not a parameter: {takes}") for name in dict.fromkeys(given) if name not in names
    ]
    found += [Violation(name, "must be given once") for name in names if given.count(name) > 1]
    if found:
        raise InvalidRequest(*found)
