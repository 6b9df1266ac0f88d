"""The docs page: complete, offline, safe, and in a real browser where there is one."""

from __future__ import annotations

import hashlib
import json
import os
import re
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import urljoin, urlsplit

import pytest
import requests

from mockserver.server import Server
from mockserver.web.docs import ASSETS
from tests.harness import contract, running
from tests.web.chromium import FOUND, browser
from tests.web.docs_assets import PINS, TAKEN, kept_content

OURS = ("docs.html", "docs.css", "docs.js", "docs.svg")
KINDS = {".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8", ".svg": "image/svg+xml"}
PAGES = ["/docs", "/docs/", "/docs/admin", "/docs/admin/"]


class Links(HTMLParser):
    """What a page loads, and what it leads to."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.loaded: list[str] = []
        self.led: list[str] = []
        self.data: dict[str, str] = {}
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Take note of a tag's addresses; code within the page would be against its policy."""
        given = {name: value or "" for name, value in attrs}
        assert not [name for name in given if name.startswith("on") or name == "style"], (tag, given)
        assert tag != "style"
        if tag == "script":
            self.loaded.append(given["src"])
        elif tag == "link":
            self.loaded.append(given["href"])
        elif tag == "a":
            self.led.append(given["href"])
        elif tag == "main":
            self.data = given


@pytest.mark.parametrize("path", PAGES)
def test_all_that_a_page_needs_is_served_here(server: Server, path: str) -> None:
    """A docs page needs no key and loads scripts, styles and document from this server, by relative addresses."""
    page = requests.get(server.url + path, timeout=5, allow_redirects=False)
    assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    links = Links(page.text)
    document = links.data["data-document"]
    for address in [*links.loaded, *links.led, document]:
        assert not urlsplit(address).scheme
        assert not address.startswith("/"), f"{address} breaks under a proxy's prefix"
        assert urljoin(f"http://host/prefix{path}", address).startswith("http://host/prefix/")
        answer = requests.get(urljoin(server.url + path, address), timeout=5, allow_redirects=False)
        assert answer.status_code == 200, address
        if address in links.loaded:
            assert answer.headers["content-type"] == KINDS[Path(address).suffix]
            assert answer.headers["x-content-type-options"] == "nosniff"
            assert "immutable" in answer.headers["cache-control"]
            assert hashlib.sha256(answer.content).hexdigest().startswith(address.split("/")[-2])
    assert len(links.loaded) == 5
    assert "openapi" in requests.get(urljoin(server.url + path, document), timeout=5).json()
    assert urljoin(server.url + path, links.data["data-base"]) == f"{server.url}/"


def test_the_browser_is_told_to_stay_here(server: Server) -> None:
    """The policy of the page allows scripts and requests of this server alone, and nothing inline."""
    headers = requests.get(f"{server.url}/docs", timeout=5).headers
    policy = dict(part.split(maxsplit=1) for part in headers["content-security-policy"].split("; "))
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == "'self'"
    assert (headers["referrer-policy"], headers["cache-control"]) == ("no-referrer", "no-cache")


def test_an_asset_comes_as_the_client_takes_it(server: Server) -> None:
    """A client that does not ask for gzip gets the plain bytes, and a cache keeps the two apart."""
    page = Links(requests.get(f"{server.url}/docs", timeout=5).text)
    address = urljoin(f"{server.url}/docs", next(name for name in page.loaded if name.endswith(".js")))
    plain = requests.get(address, timeout=5, headers={"accept-encoding": "identity"})
    packed = requests.get(address, timeout=5, headers={"accept-encoding": "gzip"})
    assert "content-encoding" not in plain.headers
    assert packed.headers["content-encoding"] == "gzip"
    assert plain.headers["vary"] == packed.headers["vary"] == "Accept-Encoding"
    assert plain.content == packed.content
    assert int(packed.headers["content-length"]) < len(plain.content) / 3


def test_without_the_admin_api_there_is_no_page_of_it() -> None:
    """With admin=off neither the link nor the page of the admin API is there."""
    with running(admin="off") as server:
        assert "admin" not in requests.get(f"{server.url}/docs", timeout=5).text.lower()
        assert requests.get(f"{server.url}/docs/admin", timeout=5).status_code == 404


def test_what_a_browser_asks_for_stays_out_of_the_journal() -> None:
    """Reading the docs, and the source maps that a browser looks for there, are no requests of the client."""
    with running() as server:
        for path in ("/docs", "/docs/nowhere", "/docs/assets/0/swagger-ui-bundle.js.map", "/docs/assets/../docs.js"):
            requests.get(server.url + path, timeout=5)
        assert requests.get(f"{server.url}/__admin/requests", timeout=5).json()["meta"]["total"] == 0


def test_the_assets_are_what_is_pinned() -> None:
    """Each file of Swagger UI has the checksum of the pinned version, and its licences lie beside it."""
    pins = json.loads(PINS.read_text())
    assert int(pins["version"].split(".")[0]) >= 5, "OpenAPI 3.1 needs Swagger UI 5"
    assert set(pins["sha256"]) == set(TAKEN)
    for name, checksum in pins["sha256"].items():
        assert hashlib.sha256(kept_content(name)).hexdigest() == checksum, name


@pytest.mark.parametrize("name", OURS)
def test_our_own_assets_name_no_host(name: str) -> None:
    """Nothing that we wrote for the page leads to another server."""
    hosts = re.findall(r"(?:https?:)?//[\w.-]+\.\w+", (ASSETS / name).read_text("utf-8"))
    assert [host for host in hosts if "www.w3.org" not in host] == []  # SVG's namespace is a name, not an address


@pytest.mark.skipif(FOUND is None, reason="Chromium is not installed")
@pytest.mark.skipif("TEST_BROWSER" not in os.environ, reason="takes ten seconds: TEST_BROWSER=1 asks for it")
def test_a_person_tries_an_operation_in_the_browser(server: Server, tmp_path: Path) -> None:
    """In a browser all operations stand there; authorised with a key of one's own, Execute shows the user."""
    with browser(tmp_path) as page:
        page.open(f"{server.url}/docs")
        page.wait("document.querySelectorAll('.opblock').length")
        shown = page.run("[...document.querySelectorAll('.opblock-summary-path')].map(e => e.dataset.path)")
        assert sorted(shown) == sorted(operation.path for operation in contract().operations.built)
        page.run("document.querySelector('button.authorize').click()")
        page.wait("document.querySelector('.modal-ux input')")
        page.run("document.querySelector('.modal-ux input').focus()")
        page.run("document.execCommand('insertText', false, 'world-in-a-browser')")
        page.run("document.querySelector('.modal-btn.authorize').click()")
        page.wait("document.querySelector('.btn-done')")
        page.run("document.querySelector('.btn-done').click()")
        page.run("""[...document.querySelectorAll('.opblock')].find(e =>
            e.querySelector('[data-path="/consumer/users/{userId}"]')).querySelector('button').click()""")
        page.wait("document.querySelector('.is-open .execute')")
        page.wait("[...document.querySelectorAll('.is-open input')].some(e => e.value === 'userId')")
        page.run("document.querySelector('.is-open .execute').click()")
        answer = page.wait("document.querySelector('.is-open .live-responses-table')?.innerText")
        assert re.search(r"\b200\b", answer)
        assert '"firstName": "Baran"' in answer
        assert "world-in-a-browser" in page.run("document.querySelector('.is-open .curl-command').innerText")
        assert page.complaints == []
        asked = [url for url in page.asked if not url.startswith("data:")]
        assert f"{server.url}/consumer/users/userId" in asked
        assert {urlsplit(url).netloc for url in asked} == {urlsplit(server.url).netloc}
