from server.scheduling.fair_share import FairShare


def shares(*callers: str, **weights: float) -> FairShare:
    made = FairShare(weights)
    for caller in callers:
        made.enter(caller)
    return made


def test_a_caller_leads_by_the_device_time_it_was_given_more() -> None:
    made = shares("a", "b")
    made.charge("a", 3.0)
    made.charge("b", 1.0)
    assert made.leads() == {"a": 2.0, "b": 0.0}


def test_device_time_counts_by_weight() -> None:
    made = shares("a", "b", a=2.0)
    made.charge("a", 3.0)
    made.charge("b", 1.0)
    assert made.leads() == {"a": 0.5, "b": 0.0}


def test_a_newcomer_starts_level_with_the_least_served() -> None:
    made = shares("a", "b")
    made.charge("a", 5.0)
    made.charge("b", 9.0)
    made.enter("c")
    assert made.leads() == {"a": 0.0, "b": 4.0, "c": 0.0}


def test_a_caller_without_songs_is_forgotten_and_owes_nothing() -> None:
    made = shares("a", "a", "b")
    made.charge("a", 5.0)
    made.leave("a")
    assert made.leads()["a"] == 5.0
    made.leave("a")
    made.charge("a", 1.0)
    made.enter("a")
    assert made.leads() == {"b": 0.0, "a": 0.0}
