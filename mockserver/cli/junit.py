"""A verdict as JUnit XML, which GitLab, Jenkins and GitHub's actions read: a test case for each operation that was met
(passed) and for each finding (failed, or skipped where its kind is ignored).
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from mockserver.cli.findings import KINDS, Finding, plain

_MOST_REQUESTS = 50  # listed with one finding


def junit(body: Mapping[str, Any], found: Sequence[Finding]) -> bytes:
    """The XML document, UTF-8, of a verdict's body and its findings."""
    world = plain(body["world"])
    failures = sum(not finding.ignored for finding in found)
    numbers = {"failures": failures, "errors": 0, "skipped": len(found) - failures}
    cases = [_case(world, "met", name, _times(statuses)) for name, statuses in body["met"]["operations"].items()]
    # A report without any case is an error to Jenkins; hence the one that always stands.
    cases.append(_case(world, "met", "requests", f"{body['counts']['requests']} requests"))
    cases += [_found(world, finding) for finding in found]
    totals = {"tests": str(len(cases)), **{name: str(number) for name, number in numbers.items()}, "time": "0"}
    suite = ElementTree.Element("testsuite", {"name": f"flagright-mockserver world {world}", **totals})
    suite.extend(cases)
    root = ElementTree.Element("testsuites", {"name": "flagright-mockserver verdict", **totals})
    root.append(suite)
    ElementTree.indent(root)
    document: bytes = ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)
    return document + b"\n"


def write_whole(path: Path, content: bytes) -> None:
    """Put the content into the file, all of it or nothing: whoever reads meets no half. Raises OSError."""
    if path.exists() and not path.is_file():  # /dev/stdout, a pipe: what is there must not be replaced
        path.write_bytes(content)
        return
    target = path.resolve()  # of a link, what it leads to
    half = target.with_name(f".{target.name[:100]}.{os.getpid()}.half")
    try:
        half.write_bytes(content)
        half.replace(target)
    except OSError:
        with contextlib.suppress(OSError):
            half.unlink()
        raise


def _case(world: str, group: str, name: str, output: str = "") -> ElementTree.Element:
    names = {"classname": f"mockserver.{world}.{group}", "name": plain(name), "time": "0"}
    case = ElementTree.Element("testcase", names)
    if output:
        ElementTree.SubElement(case, "system-out").text = plain(output)
    return case


def _found(world: str, finding: Finding) -> ElementTree.Element:
    case = _case(world, finding.kind, finding.text)
    # Readers order what stands in a case: the verdict on it first.
    if finding.ignored:
        ElementTree.SubElement(case, "skipped", {"message": f"ignored: {finding.text}"})
        return case
    failure = ElementTree.SubElement(case, "failure", {"message": finding.text, "type": KINDS[finding.kind]})
    lines = [finding.example] if finding.example else []
    lines += finding.requests[:_MOST_REQUESTS]
    if len(finding.requests) > _MOST_REQUESTS:
        lines.append(f"and {len(finding.requests) - _MOST_REQUESTS} more")
    failure.text = "\n".join(lines) or finding.text
    return case


def _times(statuses: Mapping[str, int]) -> str:
    return ", ".join(f"{status} x {number}" for status, number in statuses.items())
