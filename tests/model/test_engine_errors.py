import pickle

from model.engine import EngineUnavailable, Option


def test_an_error_names_options_by_the_names_that_the_engine_has_for_them() -> None:
    error = EngineUnavailable(Option("loras"), " cannot be used with ", Option("compile", short=True))
    assert str(error) == "'loras' cannot be used with 'compile'"


def test_an_error_may_be_sent_to_another_process() -> None:
    error = EngineUnavailable("set ", Option("device"))
    again = pickle.loads(pickle.dumps(error))
    assert (type(again), again.parts, str(again)) == (EngineUnavailable, error.parts, "set 'device'")
