"""Batches: each record is accepted or refused on its own, and what became of them is kept under the batchId.

A batch is claimed first, then its records are stored one by one, then what became of them is written. So after a
crash in between the records so far are there and the answer is not: the same batch sent again does all of them again,
events that have an eventId once only. How a repeated batchId is treated is our choice, as most of this is.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256
from http import HTTPStatus
from typing import Any

from mockserver.contract.parse import json_bytes
from mockserver.contract.smells import Notice
from mockserver.errors import LARGEST_REPORT, ApiError, BadRequest, NotFound, Violation, by_state
from mockserver.world.records import Decision, Facts, Record, encode_record, record_key
from mockserver.world.store import Found, Store, Writes
from mockserver.world.transactions import own_id
from mockserver.world.users import Effect, Wish, hint_other_world, shown

_MOST = 100_000  # records: ten megabytes hold millions of empty ones, and each is answered for
_PAGE_SIZE = 20  # in the SDKs
_LONGEST_MESSAGE = 1000  # characters, of what is said of one record


def apply_batch(store: Store, wish: Wish, each: Callable[[Any, bool], Effect]) -> Effect:
    """Do a batch. `each(record, briefly)` does one record, or raises the ApiError that its own request would get.

    The answer says how many went well, and of each other one its id and a reason: the name of the status that it would
    have got (ours; the vendor documents no values). The same batch again under its batchId is answered as the first
    time; other records under it are a BadRequest.
    """
    given, records = wish.body.get("batchId"), wish.body["data"]
    if len(records) > _MOST:
        told = f"must hold at most {_MOST} records"
        problem = Violation("body", "/data", "maxItems", told, len(records), True, _MOST)
        raise BadRequest.of([problem])
    batch_id = given if isinstance(given, str) and given else own_id(store, wish.world, "batch", wish.operation.listed)
    key = record_key("batch", wish.operation.listed, batch_id)
    sent = sha256(json.dumps([records, dict(wish.flags)], sort_keys=True).encode()).hexdigest().encode()

    def claim(found: Found) -> tuple[Writes, bytes]:
        stored = found[key]
        before, _, answer = Record.decode(stored).answer.partition(b"\n") if stored is not None else (b"", b"", b"")
        if not before:  # bundled and imported ones stand in nobody's way
            return {key: encode_record(Facts(), {"batchId": batch_id, "records": []}, sent)}, b""
        if before == sent:
            return {}, answer
        raise BadRequest.of([Violation("body", "/batchId", "duplicate", "was used with other records", batch_id, True)])

    answered = store.update(wish.world, (key,), claim)
    if answered:
        return Effect(batch_id, b"{}", Decision(), replay=answered, key=key)
    done = _Done(wish)
    for index, record in enumerate(records):
        done.add(index, record, each)
    body = json_bytes({"batchId": batch_id, "records": list(done.places)})
    answer = done.answer(batch_id, len(records))
    kept = Record(Facts(), body, b"%b\n%b" % (sent, answer)).encode()
    store.update(wish.world, (key,), lambda _: ({key: kept}, None))
    return Effect(
        batch_id,
        answer,
        Decision(),
        tuple(done.warnings),
        chosen_by="each record",
        after=body,
        key=key,
        violations=(*done.mistakes, *done.refusals)[:LARGEST_REPORT],
    )


class _Done:
    """What became of the records so far. What is said of them is bounded; what is counted is not."""

    def __init__(self, wish: Wish) -> None:
        self._wish = wish
        self.places: dict[str, int] = {}  # the store's keys of the records, each once, with its first place
        self._failed: list[dict[str, str]] = []
        self.mistakes: list[Violation] = []
        self.refusals: list[Violation] = []  # by what the world holds
        self.warnings: list[Notice] = []

    def add(self, index: int, record: Any, each: Callable[[Any, bool], Effect]) -> None:
        """Do one record and note what became of it."""
        pointer = f"/data/{index}"
        try:
            effect = each(record, len(self.mistakes) + len(self.warnings) >= LARGEST_REPORT)
        except ApiError as error:
            found = error.violations or (Violation("body", "", "refused", error.message),)
            found = tuple(replace(entry, pointer=pointer + entry.pointer) for entry in found)
            told = "; ".join([*(entry.line for entry in found), *filter(None, [error.hint])])[:_LONGEST_MESSAGE]
            self._failed.append({**self._id(record), "reasonCode": HTTPStatus(error.status).name, "message": told})
            kept = self.refusals if by_state(found) else self.mistakes
            kept += found[: LARGEST_REPORT - len(kept)]
            return
        notices = list(effect.warnings)
        if effect.key in self.places and effect.replay is None:
            notices.append(Notice("", "twice", f"has the id of /data/{self.places[effect.key]} and follows it"))
        if effect.key:  # a stub stores nothing of an unknown user
            self.places.setdefault(effect.key, index)
        notices = notices[: LARGEST_REPORT - len(self.warnings)]
        self.warnings += [replace(entry, pointer=pointer + entry.pointer) for entry in notices]

    def _id(self, record: Any) -> dict[str, str]:
        """The id of a record as `failedRecords` names it: of an event its own, else that of what it is about."""
        names = ("eventId", self._wish.entity.id)
        ids = [record[name] for name in names if isinstance(record.get(name), str)] if isinstance(record, dict) else []
        return {"id": ids[0]} if ids else {}

    def answer(self, batch_id: str, count: int) -> bytes:
        """The answer of the whole, when all of the `count` records are done."""
        failed = len(self._failed)
        status = "SUCCESS" if not failed else "FAILURE" if failed == count else "PARTIAL_FAILURE"
        body = {"status": status, "batchId": batch_id, "successful": count - failed, "failed": failed}
        if failed:
            said = f"{failed} of {count} records were refused; the first: {self._failed[0]['message']}"
            return json_bytes({**body, "failedRecords": self._failed, "message": said})
        return json_bytes(body)


def get_batch(store: Store, wish: Wish, show: Callable[[Record], bytes]) -> Effect:
    """A page of the batch's records as they are now, each as `show(record)` renders it.

    `totalCount` is the number of records that were accepted, each id once. One that was renamed or taken away since is
    left out of its page.
    """
    listed = wish.operation.listed
    key = record_key("batch", listed, wish.id)
    stored = store.get(wish.world, key)
    if stored is None:
        hint = hint_other_world(store, wish, key, "A batch")
        raise NotFound(f"There is no batch {shown(wish.id)} of {listed}", hint=hint)
    size, page = (max(1, int(wish.flags.get(*default))) for default in (("pageSize", _PAGE_SIZE), ("page", 1)))
    keys = Record.decode(stored).value()["records"]
    held = (store.get(wish.world, each) for each in keys[(page - 1) * size : page * size])
    shown_ones = b",".join(show(Record.decode(each)) for each in held if each is not None)
    return Effect(wish.id, b'{"%b":[%b],"totalCount":%d}' % (listed.encode(), shown_ones, len(keys)), Decision())
