import sys
import time
import webbrowser
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.program import until
from tests.support.waiting import SECONDS

from cwproxy.cli import browsing

pytestmark = pytest.mark.anyio

PAGE = "http://127.0.0.1:9/device?user_code=ABCD"


@pytest.fixture
def browsers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A directory of programs, and no other browser. What Python has found out about them is forgotten before."""
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setenv("TERM", "xterm")
    _forget()
    yield tmp_path
    _forget()


def _forget() -> None:
    webbrowser._tryorder = None  # type: ignore[attr-defined]
    webbrowser._browsers.clear()  # type: ignore[attr-defined]


def program(place: Path, text: str) -> None:
    place.write_text(f"#!/bin/sh\n{text}\n")
    place.chmod(0o755)


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere there always is one with windows")
@pytest.mark.parametrize("name", ["w3m", "lynx", "links", "elinks", "www-browser"])
async def test_one_in_the_terminal_is_left_alone(browsers: Path, name: str) -> None:
    program(browsers / name, f"echo $1 > {browsers}/opened")
    assert not await browsing.opened(PAGE, patience=SECONDS)
    assert not (browsers / "opened").exists()


async def test_the_persons_own_is_used_and_not_waited_for(browsers: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program(browsers / "window", f"echo $1 > {browsers}/opened; exec sleep 20 > /dev/null 2>&1")
    monkeypatch.setenv("BROWSER", str(browsers / "window"))
    began = time.monotonic()
    assert await browsing.opened(PAGE, patience=0.5)
    assert time.monotonic() - began < 15
    until(lambda: (browsers / "opened").is_file() and (browsers / "opened").read_text() == f"{PAGE}\n")


async def test_one_that_fails_has_not_opened_it(browsers: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program(browsers / "window", "exit 1")
    monkeypatch.setenv("BROWSER", str(browsers / "window"))
    assert not await browsing.opened(PAGE, patience=SECONDS)


async def test_nobody_has_one(browsers: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(browsers))
    monkeypatch.setenv("BROWSER", "/nonexistent/browser")
    assert not await browsing.opened(PAGE, patience=SECONDS)
    monkeypatch.delenv("BROWSER")
    _forget()
    assert not await browsing.opened(PAGE, patience=SECONDS)
