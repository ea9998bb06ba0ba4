"""Licences of an engine's weights and data, and the operator's consent to those that forbid commercial use."""

from collections.abc import Iterable
from dataclasses import dataclass

from pydantic import BaseModel, Field

from model.engine import EngineUnavailable, Option


@dataclass(frozen=True, slots=True)
class Licence:
    """The terms of one part of an engine, such as its weights.

    `name` is an SPDX identifier, or begins with "LicenseRef-" if SPDX has none. `url` is a web page with the terms,
    empty if there is none. `forbids` is the use that is not allowed, such as "commercial use of the songs"; it is empty
    if commercial use is allowed.
    """

    name: str
    url: str = ""
    forbids: str = ""


class AcceptedLicence(BaseModel):
    """Base class of engine settings, with the field in which an operator accepts a licence that forbids
    commercial use.
    """

    accept_licence: str = Field(
        default="",
        description="name of the licence of the weights, if it forbids commercial use: the engine is loaded only if "
        "you accept the licence by naming it here",
    )


def spdx(name: str, forbids: str = "") -> Licence:
    """Return the licence with the SPDX identifier `name`, with its web page at SPDX; `forbids` is the use that it does
    not allow.
    """
    return Licence(name, f"https://spdx.org/licenses/{name}.html", forbids)


def expression_of(licences: Iterable[Licence]) -> str:
    """Return the SPDX expression ("A AND B") of licences that apply together, for `EngineInfo.license`."""
    return " AND ".join(licence.name for licence in licences)


def urls_of(licences: Iterable[Licence]) -> tuple[str, ...]:
    """Return the web pages of the licences that have one, for `EngineInfo.license_urls`."""
    return tuple(licence.url for licence in licences if licence.url)


def require_accepted(subject: str, licences: Iterable[Licence], accepted: str) -> None:
    """Raise an error unless the operator has accepted all licences that forbid commercial use. The function is called
    before anything is downloaded or loaded.

    `subject` names the licensed part, such as "the weights of MusicGen". `accepted` is the setting `accept_licence`:
    the expression of these licences, as `expression_of` gives it.

    Raises:
        EngineUnavailable: the setting names another licence or none; the text has the licences, what they forbid, and
            the setting to write.
    """
    strict = [licence for licence in licences if licence.forbids]
    wanted = expression_of(strict)
    if accepted.strip() == wanted:
        return
    terms = "; ".join(f"{one.name}{f' ({one.url})' if one.url else ''}, which forbids {one.forbids}" for one in strict)
    raise EngineUnavailable(
        f"{subject} have the licence {terms}: if you accept that, set ", Option("accept_licence"), f" to {wanted!r}"
    )
