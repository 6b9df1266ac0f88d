"""/docs: the API reference in the browser, made of our own documents, offline, without a key.

The page and its assets come from `mockserver/web/assets` alone; Swagger UI among them is pinned in
`swagger-ui.json`. Every address in the page is relative, so that it holds under another host and under a prefix
that a proxy strips. Assets stand under their hash and may be kept for good.
"""

from __future__ import annotations

import gzip
import hashlib
from dataclasses import dataclass
from functools import cache
from html import escape
from pathlib import Path
from string import Template

from flask import Blueprint, Response, request

import mockserver

ASSETS = Path(__file__).parent / "assets"
_TYPES = {".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8", ".svg": "image/svg+xml"}
_SERVED = ("swagger-ui-bundle.js", "docs.js", "swagger-ui.css", "docs.css", "docs.svg")
# The browser itself refuses whatever would leave this server. `data:` are the arrows inside Swagger UI's style.
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self';"
    " base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_SAFE = {"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer"}


@dataclass(frozen=True)
class Asset:
    """A file of the page, compressed; `tag` (16 hex digits) is the beginning of its content's SHA-256."""

    name: str
    packed: bytes
    tag: str

    @property
    def content_type(self) -> str:
        """The media type, by the name's ending."""
        return _TYPES[Path(self.name).suffix]

    @property
    def address(self) -> str:
        """Where it is served, relative to the base URL."""
        return f"docs/assets/{self.tag}/{self.name}"


@dataclass(frozen=True)
class _Page:
    """One of the two references."""

    path: str
    title: str
    document: str
    keeps_key: bool  # whether the browser remembers what was authorised


_USER = _Page("docs", "User API", "openapi.json", keeps_key=True)
_ADMIN = _Page("docs/admin", "Admin API", "__admin/openapi.json", keeps_key=False)


def docs_blueprint(*, admin: bool) -> Blueprint:
    """/docs and its assets, and where the admin API is on /docs/admin; all with and without a slash at the end."""
    blueprint = Blueprint("docs", __name__)
    pages = [_USER, _ADMIN] if admin else [_USER]

    @blueprint.get("/docs", endpoint="user")
    @blueprint.get("/docs/", endpoint="user")
    def user() -> Response:
        return _html(_USER, pages)

    @blueprint.get("/docs/<path:rest>")
    def below(rest: str) -> Response:
        # A stray path ends here: a browser asks for things on its own, and the journal is about the client.
        if admin and rest in ("admin", "admin/"):
            return _html(_ADMIN, pages)
        for asset in _assets().values():
            if f"docs/{rest}" == asset.address:
                return _file(asset)
        return Response("There is no such page; the API reference is at /docs\n", 404, _SAFE, mimetype="text/plain")

    return blueprint


@cache  # read when the page is first asked for: few starts need it
def _assets() -> dict[str, Asset]:
    found = {}
    for name in _SERVED:
        kept = ASSETS / f"{name}.gz"
        packed = kept.read_bytes() if kept.is_file() else gzip.compress((ASSETS / name).read_bytes(), mtime=0)
        found[name] = Asset(name, packed, hashlib.sha256(gzip.decompress(packed)).hexdigest()[:16])
    return found


def _file(asset: Asset) -> Response:
    """The asset, compressed where the client takes that; what stands under its hash never changes."""
    packed = request.accept_encodings["gzip"] > 0
    response = Response(asset.packed if packed else gzip.decompress(asset.packed), 200, _SAFE)
    response.headers["Content-Type"] = asset.content_type
    response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
    response.headers["Vary"] = "Accept-Encoding"
    if packed:
        response.headers["Content-Encoding"] = "gzip"
    return response


def _html(page: _Page, pages: list[_Page]) -> Response:
    """The page, its addresses relative to the path that it was asked for by."""
    up = "../" * (request.path.count("/") - 1) or "./"
    values = {name.replace("-", "_").replace(".", "_"): up + asset.address for name, asset in _assets().items()}
    values |= {
        "title": page.title,
        "version": mockserver.__version__,
        "base": up,
        "document": up + page.document,
        "keeps_key": "yes" if page.keeps_key else "no",
    }
    current = ' aria-current="page"'
    links = "".join(
        f'<a href="{escape(up + entry.path)}"{current if entry is page else ""}>{escape(entry.title)}</a>'
        for entry in pages
    )
    template = Template((ASSETS / "docs.html").read_text("utf-8"))
    text = template.substitute({name: escape(value) for name, value in values.items()}, links=links)
    policy = {**_SAFE, "Content-Security-Policy": _POLICY, "Cache-Control": "no-cache"}
    return Response(text, 200, policy, content_type="text/html; charset=utf-8")
