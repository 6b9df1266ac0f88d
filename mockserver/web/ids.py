"""Ids in paths."""

from __future__ import annotations

from werkzeug.routing import BaseConverter


class IdConverter(BaseConverter):
    """An id in a path: anything, slashes and line breaks included, as the Python SDK sends it unescaped."""

    regex = r"[\s\S]+"
    part_isolating = False
