"""Which function answers which route of the admin API, by operationId of `schemas/admin.yaml`."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from mockserver.controls import arming, state, traffic, verdict
from mockserver.controls.desk import Ask, Done, Wait


def health(ask: Ask) -> Done:
    """That the admin API answers, in WireMock's words and ours."""
    return Done({"status": "healthy", "version": ask.desk.version, "worlds": len(ask.desk.store.worlds())})


ACTIONS: Mapping[str, Callable[[Ask], Done | Wait]] = {
    "health": health,
    "reset": state.reset,
    "listRequests": traffic.list_requests,
    "clearRequests": traffic.clear_requests,
    "countRequests": traffic.count_requests,
    "findRequests": traffic.find_requests,
    "waitForRequests": traffic.wait_for_requests,
    "unmatchedRequests": traffic.unmatched_requests,
    "getRequest": traffic.get_request,
    "getVerdict": verdict.get_verdict,
    "listOutcomes": arming.list_outcomes,
    "armOutcome": arming.arm_outcome,
    "disarmOutcomes": arming.disarm_outcomes,
    "disarmOutcome": arming.disarm_outcome,
    "listFaults": arming.list_faults,
    "addFault": arming.add_fault,
    "getFault": arming.get_fault,
    "removeFaults": arming.remove_faults,
    "removeFault": arming.remove_fault,
    "getSettings": arming.get_settings,
    "changeSettings": arming.change_settings,
    "resetSettings": arming.reset_settings,
    "getClock": arming.get_clock,
    "changeClock": arming.change_clock,
    "getState": state.get_state,
    "exportState": state.export_state,
    "importState": state.import_state,
    "generateUsers": state.generate_users,
    "listState": state.list_state,
    "getRecord": state.get_record,
    "putRecord": state.put_record,
    "deleteRecord": state.delete_record,
    "listSnapshots": state.list_snapshots,
    "takeSnapshot": state.take_snapshot,
    "forgetSnapshot": state.forget_snapshot,
    "restoreSnapshot": state.restore_snapshot,
    "listWorlds": state.list_worlds,
    "makeWorld": state.make_world,
    "finishWorld": state.finish_world,
    "lateWorlds": state.late_worlds,
    "deleteWorld": state.delete_world,
    "simulate": state.simulate,
}
