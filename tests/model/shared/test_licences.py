"""Tests of the licences of weights, and of the operator's consent to licences that forbid commercial use."""

import pytest

from model.engine import EngineUnavailable
from model.shared.licences import Licence, expression_of, require_accepted, spdx, urls_of
from server.workers.execution.failures import failure_of
from server.workers.messages import Fault
from tests.support.table import table

FREE = spdx("MIT")
WEIGHTS = spdx("CC-BY-NC-4.0", "commercial use of the songs")
DATA = Licence("LicenseRef-data", forbids="sale")


def test_licences_are_told_as_an_expression_with_the_pages_that_exist() -> None:
    together = (FREE, WEIGHTS, DATA)
    assert expression_of(together) == "MIT AND CC-BY-NC-4.0 AND LicenseRef-data"
    assert urls_of(together) == ("https://spdx.org/licenses/MIT.html", "https://spdx.org/licenses/CC-BY-NC-4.0.html")


@table(
    ("licences", "accepted"),
    [((FREE,), ""), ((WEIGHTS,), " CC-BY-NC-4.0 "), ((FREE, WEIGHTS, DATA), "CC-BY-NC-4.0 AND LicenseRef-data")],
)
def test_weights_are_loaded_where_nothing_is_forbidden_or_it_is_accepted(
    licences: tuple[Licence, ...], accepted: str
) -> None:
    require_accepted("the weights of Toy", licences, accepted)


@table(("licences", "accepted"), [((FREE, WEIGHTS), ""), ((WEIGHTS,), "MIT"), ((WEIGHTS,), "yes")])
def test_weights_without_commercial_use_are_refused_with_the_terms_and_the_setting_to_write(
    licences: tuple[Licence, ...], accepted: str
) -> None:
    with pytest.raises(EngineUnavailable) as refused:
        require_accepted("the weights of Toy", licences, accepted)
    failure = failure_of(refused.value, {"accept_licence": "MELISMA_TOY__ACCEPT_LICENCE"})
    assert failure.fault is Fault.INSTALLATION
    assert failure.text == (
        "the weights of Toy have the licence CC-BY-NC-4.0 (https://spdx.org/licenses/CC-BY-NC-4.0.html), which forbids "
        "commercial use of the songs: if you accept that, set MELISMA_TOY__ACCEPT_LICENCE to 'CC-BY-NC-4.0'"
    )
