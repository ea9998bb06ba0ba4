"""Plugin of pytest for `make test-gpu`: a run fails if no test has used a GPU."""

import pytest


class GpuRun:
    """Plugin object that counts the tests that ran, not those that were skipped, and fails the run if there were
    none.
    """

    def __init__(self) -> None:
        self._ran = 0

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when == "call" and not report.skipped:
            self._ran += 1

    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        if not self._ran and exitstatus in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED):
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if not self._ran:
            terminalreporter.write_line("no GPU: none of the tests that need one has run", red=True)


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(GpuRun())
