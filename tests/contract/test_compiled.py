"""What a start does not compile compiles when it is asked for."""

from __future__ import annotations

from mockserver.contract import Contract


def test_each_check_of_each_profile_compiles() -> None:
    """Nobody who sends his first strict or his first wrong request meets a schema that cannot be compiled."""
    contract = Contract()
    for operation in contract.operations.built:
        for strict in (False, True):
            checks = [contract.check(operation, strict=strict)] if operation.request is not None else []
            checks += [contract.check_each(operation, strict=strict)] if operation.each is not None else []
            for check in checks:
                assert check.check("no object", briefly=True)[0]
                assert check.report("no object")
