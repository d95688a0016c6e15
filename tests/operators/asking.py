"""Asking an operator as the App does."""

import fiftyone.operators as foo

URI = "@promptlab/sam2-prompting"


def form(name: str, dataset, params=None, **request) -> dict:
    """The fields of an operator's form, as the App gets them."""
    ctx = foo.ExecutionContext({"dataset_name": dataset.name, "params": params or {}, **request})
    return foo.get_operator(f"{URI}/{name}").resolve_type(ctx, "inputs").to_json()["type"]["properties"]


def run(name: str, dataset, params: dict, **request) -> list:
    """Execute as the App would; what it was told."""
    ctx = foo.ExecutionContext(
        {"dataset_name": dataset.name, "params": params, **request}, executor=foo.executor.Executor()
    )
    return list(foo.get_operator(f"{URI}/{name}").execute(ctx))
