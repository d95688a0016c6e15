"""FiftyOne's queue of delegated runs, worked off in this process."""

from fiftyone.operators.delegated import DelegatedOperationService


def newest():
    """The run that was queued last."""
    return max(DelegatedOperationService().list_operations(), key=lambda operation: operation.queued_at)


def work_off_newest() -> None:
    """Do it, to a good end, and take it off the list."""
    service, operation = DelegatedOperationService(), newest()
    service.execute_operation(operation)
    ended = service.get(operation.id)
    service.delete_operation(operation.id)
    assert ended.run_state == "completed", ended.result.error
