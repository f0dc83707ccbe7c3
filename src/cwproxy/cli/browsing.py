"""Open a page in the person's browser, where there is one with windows: one in the terminal would draw over the code,
and nothing would go on until it is left.
"""

import asyncio
import threading
import webbrowser
from concurrent.futures import Future
from pathlib import PurePath
from typing import Final

PATIENCE_SECONDS: Final = 3.0
"""A browser that is the command of `$BROWSER` may run until its window is closed; by then it is open."""

_TEXTUAL: Final = frozenset({"www-browser", "w3m", "lynx", "links", "links2", "elinks", "browsh", "carbonyl"})


async def opened(url: str, *, patience: float = PATIENCE_SECONDS) -> bool:
    """Whether a browser has taken the page. It is started beside the event loop and outlives the program. One that
    still runs after `patience` seconds has.
    """
    done: Future[bool] = Future()
    threading.Thread(target=_open, args=(url, done), daemon=True, name="browser").start()
    try:
        return await asyncio.wait_for(asyncio.wrap_future(done), patience)
    except TimeoutError:
        return True


def _open(url: str, done: Future[bool]) -> None:
    try:
        browser = webbrowser.get()
        name = PurePath(getattr(browser, "name", "")).name
        taken = name not in _TEXTUAL and browser.open(url)
    except (webbrowser.Error, OSError):
        taken = False
    if done.set_running_or_notify_cancel():
        done.set_result(taken)
