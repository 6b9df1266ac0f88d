"""`Prefer` where it forces an answer: code, delay, seed and Prism's spellings."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import Any

import pytest

from mockserver.server import Server
from tests.controls.desk import KINDS, Admin, apply, create, event, fresh, user
from tests.harness import Answer, Api, over_http

CODES = [400, 401, 404, 409, 418, 422, 429, 451, 500, 502, 503, 599]
ANY = [
    ("POST", "/{}/users"), ("GET", "/{}/users/u"), ("POST", "/events/{}/user"), ("GET", "/events/{}/user/e"),
]  # fmt: skip


def get(api: Api, prefer: str, target: str = "/consumer/users/u") -> Answer:
    """GET with a preference."""
    return api.get(target, headers={"Prefer": prefer})


@pytest.mark.parametrize("code", CODES)
def test_any_error_status_can_be_had(code: int) -> None:
    """Prefer: code answers in the vendor's shape, with Retry-After on 429 and 503 alone, and stores nothing."""
    api = fresh()
    answer = create(api, "consumer", prefer=f"code={code}")
    assert answer.status == code
    assert answer.headers["preference-applied"] == f"code={code}"
    assert ("retry-after" in answer.headers) == (code in (429, 503))
    assert api.get("/consumer/users/u").status == 404


@pytest.mark.parametrize("kind", KINDS)
def test_code_comes_before_the_commit_of_each_operation(kind: str) -> None:
    """With Prefer: code=503 no operation changes or shows anything, and an event can be sent again."""
    api = fresh()
    create(api, kind)
    sent = event(kind, eventId="e", attributes={"riskLevel": "HIGH"})
    for method, target in ANY:
        body = None if method == "GET" else (user(kind, riskLevel="LOW") if "users" in target else sent)
        assert api.call(method, target.format(kind), body, headers={"Prefer": "code=503"}).status == 503
    assert "riskLevel" not in api.get(f"/{kind}/users/u").body
    assert api.get(f"/events/{kind}/user/e").status == 404
    assert apply(api, kind, sent).body["riskLevel"] == "HIGH"


def test_code_beats_a_bad_body_and_not_a_missing_key() -> None:
    """A body that would be refused gets the preferred status too; without a key it is 401 all the same."""
    api = fresh()
    assert create(api, "consumer", {"userId": 5}, "code=500").status == 500
    assert api.get("/consumer/users/u", headers={"Prefer": "code=500", "x-api-key": None}).status == 401


WRONG = [
    ("code=200", "code"), ("code=399", "code"), ("code=600", "code"), ("code=abc", "code"), ("code=", "code"),
    ("code=50٣", "code"), ("delay=-1", "delay"), ("delay=1.5", "delay"), ("delay=600001", "delay"),
    ("delay=1s", "delay"), ("seed=x", "seed"), ("seed=9223372036854775808", "seed"), ("dynamic=tru", "dynamic"),
    ("dynamic=yes", "dynamic"), ("dynamic=generated", "dynamic"), ("dynamic=example", "dynamic"),
    ("dynamic", "dynamic"), ("answers=genrated", "answers"), ("example=blockd", "example"),
]  # fmt: skip
NEAREST = {"dynamic=tru": "true", "answers=genrated": "generated", "example=blockd": "blocked"}


@pytest.mark.parametrize(("header", "name"), WRONG)
def test_a_wrong_value_is_refused(header: str, name: str) -> None:
    """A known preference with a wrong value is a 400 that names it and the nearest right one, and stores nothing."""
    api = fresh()
    answer = create(api, "consumer", prefer=header.encode().decode("latin-1"))
    assert answer.status == 400
    [violation] = answer.body["violations"]
    assert (violation["in"], violation["pointer"]) == ("header", f"/Prefer/{name}")
    assert NEAREST.get(header, "") in violation.get("hint", "")
    assert api.get("/consumer/users/u").status == 404


def test_every_wrong_preference_is_reported_at_once() -> None:
    """Two wrong preferences are two violations of one answer."""
    answer = create(fresh(), "consumer", prefer="code=1, delay=x, outcome=blocked")
    assert [entry["pointer"] for entry in answer.body["violations"]] == ["/Prefer/code", "/Prefer/delay"]


def test_seed_chooses_the_generated_person() -> None:
    """Prefer: seed gives another body for another seed, the same one for the same, and the world's for its own."""
    api = fresh()
    bodies = [get(api, f"answers=generated, seed={seed}").raw for seed in (1, 2, 1, 0, -5)]
    assert bodies[0] == bodies[2]
    assert len(set(bodies)) == 4
    assert get(api, "answers=generated").raw == bodies[3]
    Admin(api).ask("PATCH", "settings", {"seed": 2})
    assert get(api, "answers=generated").raw == bodies[1]


@pytest.mark.parametrize("spelling", ["dynamic=true", "Dynamic=TRUE", 'dynamic="true"'])
def test_prisms_dynamic_is_generated(spelling: str) -> None:
    """Prism's dynamic=true is answers=generated, and dynamic=false is answers=stored."""
    api = fresh()
    assert get(api, spelling).raw == get(api, "answers=generated").raw
    Admin(api).ask("PATCH", "settings", {"answers": "generated"})
    assert api.get("/consumer/users/u").status == 200
    assert get(api, "dynamic=false").status == 404


def test_of_two_names_for_one_thing_the_first_counts() -> None:
    """dynamic=true before answers=stored is generated, behind it it is not."""
    api = fresh()
    assert get(api, "dynamic=true, answers=stored").status == 200
    assert get(api, "answers=stored, dynamic=true").status == 404


LATE: list[tuple[str, str, int]] = [
    ("delay=300", "/consumer/users/u", 200),
    ("delay=300, answers=example", "/consumer/users/u", 200),
    ("delay=300", "/consumer/users/nobody", 404),
    ("code=503, delay=300", "/consumer/users/u", 503),
]


@pytest.mark.parametrize(("header", "target", "status"), LATE)
def test_delay_makes_one_answer_late(server: Server, key: str, header: str, target: str, status: int) -> None:
    """Prefer: delay=300 answers 300 ms later, an error as well, and the next request is not delayed."""
    api = Api(over_http(server.url), key)
    create(api, "consumer")
    began = time.monotonic()
    assert get(api, header, target).status == status
    assert time.monotonic() - began >= 0.29
    took = []
    for _ in range(5):
        began = time.monotonic()
        api.get("/consumer/users/u")
        took.append(time.monotonic() - began)
    assert min(took) < 0.29


def test_a_delayed_answer_is_committed_at_once_and_holds_nobody_up(server: Server, key: str) -> None:
    """While a delayed write waits, others are answered and see what it has written."""
    api = Api(over_http(server.url), key)
    with ThreadPoolExecutor(1) as pool:
        late = pool.submit(create, Api(over_http(server.url), key), "consumer", None, "delay=2000")
        deadline = time.monotonic() + 1.5
        while api.get("/consumer/users/u").status != 200:
            assert time.monotonic() < deadline
        assert not late.done()
        assert late.result(10).status == 201


def test_preferences_go_together() -> None:
    """All in one header are applied, each named in Preference-Applied."""
    api = fresh()
    header = "answers=generated, outcome=blocked, seed=7, validation=strict, delay=0"
    answer = create(api, "consumer", prefer=header)
    assert answer.headers["preference-applied"] == header
    assert answer.body["riskScoreDetails"]["craRiskLevel"] == "VERY_HIGH"
    seen: list[Any] = [get(api, f"answers=generated, seed={seed}").raw for seed in range(7)]
    assert all(one != other for one, other in pairwise(seen))
