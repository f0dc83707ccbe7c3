"""What every test gets: asyncio, an environment without cwproxy settings, and hypothesis profiles."""

import os
import signal
import uuid
from collections.abc import Generator, Iterator

import pytest
from hypothesis import HealthCheck, settings
from tests.support import leaks, postgresql

# A shell starts what it runs in the background with SIGINT ignored, nohup with SIGHUP; programs under test inherit it.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
if hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
    signal.signal(signal.SIGHUP, signal.SIG_DFL)

settings.register_profile(
    "fast", max_examples=60, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile("deep", max_examples=2_000, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "fast"))


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in list(os.environ):
        if name.startswith(("CWPROXY_", "KIRO_", "AWS_ACCESS", "AWS_SECRET", "AWS_SESSION", "AWS_PROFILE")):
            monkeypatch.delenv(name)
    yield


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A test whose programs, or that itself, said a secret has failed."""
    report = yield
    for section, content in report.sections:
        leaks.look(section, content)
    found = leaks.taken()
    if found and report.passed:
        report.outcome = "failed"
        report.longrepr = "a secret was said:\n" + "\n".join(found)
    return report


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[postgresql.PostgresqlServer]:
    """One server for all tests of this process; skips where none is installed."""
    postgresql.require()
    with postgresql.postgresql_server() as server:
        yield server


@pytest.fixture
def database_url(postgresql_server: postgresql.PostgresqlServer) -> str:
    """An empty database."""
    if postgresql_server.process is None:  # a test that stopped it has failed
        postgresql_server.start()
    return postgresql_server.database(uuid.uuid4().hex)
