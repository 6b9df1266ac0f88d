"""What a verdict holds, for people and reports: a finding for each distinct mistake, with its requests."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

KINDS: Mapping[str, str] = {"violations": "violation", "warnings": "warning", "unmatched": "unmatched"}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LONGEST = 300  # characters of anything that the client chose


@dataclass
class Finding:
    """One distinct mistake; the texts are plain: nothing in them that a terminal would obey or XML forbids."""

    kind: str  # of KINDS
    text: str
    ignored: bool
    example: str = ""  # what the first request sent, and what it should have
    requests: list[str] = field(default_factory=list)  # oldest first; empty where the journal holds none any more


def findings(body: Mapping[str, Any], ignored: Collection[str] = ()) -> list[Finding]:
    """The findings of a verdict's body, by kind, each kind in the order of the first request.

    What was counted and is no longer in the journal is a finding of its kind too. `ignored` names kinds.
    """
    found: dict[tuple[str, str], Finding] = {}
    for kind in KINDS:
        for request in body[kind]:
            for text, example in _mistakes(kind, request):
                fresh = Finding(kind, plain(text), kind in ignored, plain(example))
                found.setdefault((kind, fresh.text), fresh).requests.append(plain(_shown(request)))
        lost = body["counts"][kind] - len(body[kind])
        if lost > 0:
            more = "more " if body[kind] else ""
            text = f"{lost} {more}whose details the journal does not hold (see --journal-size)"
            found[kind, text] = Finding(kind, text, kind in ignored)
    return list(found.values())


def plain(text: str) -> str:
    """The text with all that is not printable escaped, which includes each character that XML 1.0 forbids."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)


def _mistakes(kind: str, request: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """The distinct mistakes of one request: the text that makes two the same, and what is this request's alone."""
    seen = set()
    for entry in request[kind] if kind != "unmatched" else [request]:
        text, example = _short(entry["message"]), ""
        if kind != "unmatched":
            where = entry["pointer"] or "body"
            if entry.get("in", "body") != "body":
                where = f"{entry['in']} {entry['pointer'][1:]}".rstrip()
            # A warning may name its place by itself.
            text = text if text.startswith(f"{where}:") else f"{_short(where)}: {text}"
            text = f"{request['operation']} {text}"
            sent = f"sent {_short(json.dumps(entry['sent'], ensure_ascii=False))}" if "sent" in entry else ""
            example = "; ".join(part for part in (sent, _short(entry.get("hint", ""))) if part)
        if text not in seen:
            seen.add(text)
            yield text, example


def _shown(request: Mapping[str, Any]) -> str:
    """A request in one line."""
    return f"{request['method']} {_short(request['url'])} {request['status']} at {_instant(request['at'])}"


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."


def _instant(at: int) -> str:
    try:
        return (_EPOCH + timedelta(milliseconds=at)).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    except OverflowError:  # a clock that was set to beyond the year 9999
        return str(at)
