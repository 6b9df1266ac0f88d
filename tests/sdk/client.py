"""The vendor's Python SDK, sync and async behind one face, with what goes over the wire written down."""

from __future__ import annotations

import asyncio
import inspect
import json
from collections.abc import Mapping
from types import TracebackType
from typing import Any

import flagright.types as sdk_types
import httpx
from flagright import AsyncFlagright, Flagright
from flagright.core.pydantic_utilities import parse_obj_as

from tests.harness import NOW, Answer, check_answer

RESULTS = ("executedRules", "hitRules", "riskScoreDetails", "message", "status")
LEGAL_ENTITY = {"companyGeneralDetails": {"legalName": "Ozon"}}
SDK_SPELLINGS = {"swift_code": "swiftCode"}
# The model whose properties a client's `create` takes as arguments, `verify` of transactions.
REQUESTS = {
    "consumer_users": "User",
    "business_users": "Business",
    "consumer_user_events": "ConsumerUserEvent",
    "business_user_events": "BusinessUserEvent",
    "transactions": "Transaction",
    "transaction_events": "TransactionEvent",
}
MODELS = {"consumer": "User", "business": "Business"}
OPTIONAL = {"consumer": "UserOptional", "business": "BusinessOptional"}
ATTRIBUTES = {"consumer": "updatedConsumerUserAttributes", "business": "updatedBusinessUserAttributes"}


def minimal(kind: str, user_id: str = "one") -> dict[str, Any]:
    """The least that the sandbox takes for a user of this kind."""
    body = {"userId": user_id, "createdTimestamp": NOW}
    return body if kind == "consumer" else body | {"legalEntity": LEGAL_ENTITY}


def deep_or(base: Any, changes: Any) -> Any:
    """What events are documented to do here: objects are merged, anything else is replaced."""
    if not (isinstance(base, dict) and isinstance(changes, dict)):
        return changes
    return base | {name: deep_or(base.get(name), value) for name, value in changes.items()}


class Sdk:
    """A client of one world: `call` runs an operation of the SDK, `sent` and `got` are the last JSON of each way.

    Every answer is checked against its schema, as the harness does it.
    """

    def __init__(self, url: str, key: str, *, asynchronous: bool) -> None:
        self.requests: list[httpx.Request] = []
        self.sent: Any = None
        self.got: Any = None
        self.warnings = ""
        self.http: Any
        self.client: Any
        self._runner = asyncio.Runner() if asynchronous else None
        options: dict[str, Any] = {"trust_env": False, "verify": False, "timeout": 30}
        if asynchronous:
            self.http = httpx.AsyncClient(event_hooks={"response": [self._note_later]}, **options)
            self.client = AsyncFlagright(base_url=url, api_key=key, httpx_client=self.http)
        else:
            self.http = httpx.Client(event_hooks={"response": [self._note]}, **options)
            self.client = Flagright(base_url=url, api_key=key, httpx_client=self.http)

    def __enter__(self) -> Sdk:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._runner:
            self._runner.run(self.http.aclose())
            self._runner.close()
        else:
            self.http.close()

    def call(self, operation: str, *args: Any, **arguments: Any) -> Any:
        """Run an operation by its name in the SDK (`consumer_users.create`); what it returns or raises."""
        client, _, method = operation.partition(".")
        result = getattr(getattr(self.client, client), method)(*args, **arguments)
        if inspect.isawaitable(result):
            assert self._runner is not None
            return self._runner.run(_awaited(result))
        return result

    def create(self, client: str, body: Mapping[str, Any], **query: Any) -> Any:
        """Create, or verify, from a body as it goes over the wire, through the SDK's own models.

        `sent` is what they made of it: the body itself, but for one name that the SDK spells in its own way deep inside
        events.
        """
        model = parse_obj_as(getattr(sdk_types, REQUESTS[client]), dict(body))
        arguments = {name: getattr(model, name) for name in model.model_fields_set}
        result = self.call(f"{client}.{'verify' if client == 'transactions' else 'create'}", **arguments, **query)
        assert _respelled(self.sent) == body
        return result

    def stored(self, client: str, asked: str) -> Any:
        """What a GET by the SDK brings over the wire, without the results."""
        self.call(f"{client}.get", asked)
        return {name: value for name, value in self.got.items() if name not in RESULTS}

    def _note(self, response: httpx.Response) -> None:
        response.read()
        self._keep(response)

    async def _note_later(self, response: httpx.Response) -> None:
        await response.aread()
        self._keep(response)

    def _keep(self, response: httpx.Response) -> None:
        request = response.request
        self.requests.append(request)
        headers = {name.lower(): value for name, value in response.headers.items()}
        answer = Answer(response.status_code, headers, response.content)
        check_answer(request.method, request.url.raw_path.decode(), answer)
        self.sent = json.loads(request.content) if request.content else None
        self.got = answer.body
        self.warnings = answer.warnings


def _respelled(value: Any) -> Any:
    """The wire name where the SDK sends its own: swift_code, in SWIFT's correspondentBankDetails in an event."""
    if isinstance(value, list):
        return [_respelled(part) for part in value]
    if isinstance(value, dict):
        return {SDK_SPELLINGS.get(name, name): _respelled(part) for name, part in value.items()}
    return value


async def _awaited(result: Any) -> Any:
    return await result
