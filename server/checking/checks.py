"""Checks requests with the validators of their engines, in the checking process."""

import logging
import pickle
import threading
import traceback
from collections.abc import Iterable, Mapping

from model.engine import EngineUnavailable, Validator
from model.registry import load_validator
from model.song import InvalidParams, SongParams, SongPlan
from server.checking.messages import Answer, Check, CheckFailed, Passed, Refused
from server.contract.midi_melody import with_midi
from server.errors import InvalidRequest
from server.workers.worker_spec import EngineSpec

_log = logging.getLogger(__name__)


class Checks:
    """Checks requests in the checking process with the validators of their engines.

    Validators that `validators` lacks are loaded with the default settings of their engine when they are first needed.
    """

    def __init__(self, validators: Mapping[str, Validator | None]) -> None:
        """Set up the checks; `validators` maps the names of engines to their validators, or to `None` for engines whose
        requests only the worker checks.
        """
        self._validators = dict(validators)
        self._loading = threading.Lock()

    @classmethod
    def load(cls, engines: Iterable[EngineSpec]) -> "Checks":
        """Load the validators of `engines` and return the checks. Engines that the settings load from a class outside
        Melisma (name=module:Class) get no validator; only their worker checks requests.
        """
        return cls({spec.name: None if spec.factory else _loaded(spec.name, spec.options) for spec in engines})

    def answer(self, check: Check) -> Answer:
        """Check one request and return the result: passed, refused with violations, or failed because of a bug.
        Thread-safe.
        """
        try:
            params = with_midi(check.params, check.midi) if check.midi else check.params
            plan = self._plan(check.engine, params)
        except (InvalidParams, InvalidRequest) as error:
            return Refused(check.number, error.violations)
        except Exception as error:
            return CheckFailed(check.number, "".join(traceback.format_exception(error)))
        melody = params if check.midi else None
        return Passed(check.number, melody, pickle.dumps(plan, pickle.HIGHEST_PROTOCOL) if plan else b"")

    def _plan(self, engine: str, params: SongParams) -> SongPlan | None:
        validator = self._validator(engine)
        try:
            return validator.validate(params) if validator else None
        except EngineUnavailable:
            return None  # a package is missing, which the engine's worker reports

    def _validator(self, engine: str) -> Validator | None:
        with self._loading:
            if engine not in self._validators:
                self._validators[engine] = _loaded(engine, {})
        return self._validators[engine]


def _loaded(engine: str, options: Mapping[str, object]) -> Validator | None:
    try:
        return load_validator(engine, options)
    except EngineUnavailable as error:
        # The worker fails to load the engine for the same reason, and reports it; so the level here is debug.
        _log.debug(
            "this process cannot load the request checks of engine %s, so only its worker checks requests: %s",
            engine,
            error,
        )
        return None
