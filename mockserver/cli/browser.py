"""`serve --open`: the docs page in the person's browser."""

from __future__ import annotations

import os
import threading

import click

_EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "[::1]", "": "127.0.0.1"}  # noqa: S104 - recognised, not bound


def reachable(host: str, url: str) -> str:
    """The base URL as a browser on this machine can open it: every address is not an address."""
    port = url.rpartition(":")[2]
    return f"http://{_EVERYWHERE[host]}:{port}" if host in _EVERYWHERE else url


def show_page(url: str) -> None:
    """Open the URL in the browser, in a thread, since some browsers return only when they are closed.

    Where there is no browser, or it does not start, one line on standard error says so.
    """
    threading.Thread(target=_open, args=(url,), name="browser", daemon=True).start()


def _open(url: str) -> None:
    import webbrowser

    try:
        browser = webbrowser.get()
        # Found without being asked for, this kind is lynx or w3m, which would take over this very terminal.
        if type(browser) is webbrowser.GenericBrowser and not os.environ.get("BROWSER"):
            raise webbrowser.Error("only a text browser")
        shown = browser.open(url)
    except (webbrowser.Error, OSError):
        shown = False
    if not shown:
        click.echo(f"mockserver: no browser could be opened here; the docs are at {url}", err=True)
