"""What the reference and the stores are driven with: a few ids, bodies, settings and controls, so that they meet."""

from __future__ import annotations

from hypothesis import strategies as st

from tests.harness import contract

MODELLED = ("create-user", "get-record", "apply-event", "get-event")
TYPES = ("consumer", "business")
OPERATIONS = {
    (entry.entity.name, entry.do): entry
    for entry in contract().operations.built
    if entry.do in MODELLED and entry.entity.name in TYPES
}
REST = {entry.id: entry for entry in contract().operations.built if entry not in OPERATIONS.values()}

types = st.sampled_from(TYPES)
ids = st.sampled_from(["a", "b", "mock_blocked_1", "é /%2F?"])
event_ids = st.sampled_from(["e", "f", "../g"])
names = st.sampled_from(["s", "../../etc/passwd"])
outcomes = st.sampled_from(["clean", "blocked", "high_risk"])
risks = st.sampled_from(["LOW", "HIGH"])
flags = st.sampled_from(["true", "false"])
attributes = st.fixed_dictionaries(
    {},
    optional={
        "riskLevel": risks,
        "kycRiskLevel": risks,
        "tags": st.lists(st.fixed_dictionaries({"key": st.just("k"), "value": st.sampled_from("xy")}), max_size=2),
        "userStateDetails": st.fixed_dictionaries(
            {"state": st.sampled_from(["ACTIVE", "SUSPENDED"])}, optional={"reason": st.just("r")}
        ),
        "kycStatusDetails": st.just({"status": "SUCCESSFUL"}),
    },
)
operations = st.sampled_from(sorted(OPERATIONS))
OWN = {  # what each type alone has
    "consumer": {"userDetails": {"name": {"firstName": "Ada"}}},
    "business": {"legalEntity": {"companyGeneralDetails": {"legalName": "Ada Ltd"}}},
}
queries = st.fixed_dictionaries(
    {"changeUserId": flags, "allowUserTypeConversion": flags},
    optional={"lockCraRiskLevel": flags, "lockKycRiskLevel": flags},
)
armed = st.fixed_dictionaries(
    {"outcome": outcomes},
    optional={
        "userId": ids,
        "times": st.integers(1, 2),
        "operation": operations.map(lambda name: OPERATIONS[name].id),
    },
)
faults = st.fixed_dictionaries(
    {
        "effect": st.sampled_from([{"status": 503}, {"status": 404}, {"delay": {"type": "fixed", "milliseconds": 0}}]),
        "skip": st.integers(0, 1),
    },
    optional={
        "match": st.fixed_dictionaries(
            {},
            optional={
                "operation": operations.map(lambda name: OPERATIONS[name].id),
                "method": st.sampled_from(["GET", "POST"]),
                "path": st.just("/events/*"),
                "userId": ids,
            },
        ),
        "phase": st.sampled_from(["before", "after"]),
        "ttlMs": st.integers(1, 6),
    },
)

_creates = {"entity": types, "user_id": ids, "more": attributes, "own": st.booleans(), "lock": flags | st.none()}
_events = {"entity": types, "user_id": ids, "event_id": event_ids | st.none(), "more": attributes, "query": queries}
calls = st.lists(
    st.one_of(
        st.tuples(st.just("create"), st.fixed_dictionaries({**_creates, "prefer": outcomes | st.none()})),
        *[st.tuples(st.just("event"), st.fixed_dictionaries({**_events, "new_id": ids | st.none()}))] * 3,
        st.tuples(
            st.just("get"), st.fixed_dictionaries({"entity": types, "user_id": ids, "prefer": outcomes | st.none()})
        ),
        st.tuples(st.just("refused"), st.fixed_dictionaries({"entity": types})),
        st.tuples(st.just("get_event"), st.fixed_dictionaries({"entity": types, "event_id": event_ids})),
    ),
    min_size=4,
    max_size=10,
)
