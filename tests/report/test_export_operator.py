"""The operator: from Python, from the App's form, and as a run."""

import asyncio

import fiftyone.operators as foo
import pytest
from fiftyone.operators.executor import Executor, execute_or_delegate_operator

EXPORT = "@promptlab/sam2-prompting/export_comparison"
NAMES = ["comparison.html", "comparison.csv", "comparison.json"]


def form(dataset, **params) -> dict:
    ctx = foo.ExecutionContext({"dataset_name": dataset.name, "params": params})
    return foo.get_operator(EXPORT).resolve_type(ctx, "inputs").to_json()["type"]["properties"]


def test_it_returns_the_paths_that_it_wrote(explained, tmp_path):
    paths = foo.get_operator(EXPORT)(explained, tmp_path / "report")
    assert paths == [tmp_path / "report" / name for name in NAMES]
    assert all(path.stat().st_size > 0 for path in paths)


def test_it_keeps_an_earlier_report_unless_told_otherwise(explained, tmp_path):
    export = foo.get_operator(EXPORT)
    export(explained, tmp_path)
    with pytest.raises(ValueError, match="is there already"):
        export(explained, tmp_path)
    assert export(explained, tmp_path, overwrite=True)


def test_another_prefix_has_no_results(explained, tmp_path):
    with pytest.raises(ValueError, match="no results with the prefix 'other'"):
        foo.get_operator(EXPORT)(explained, tmp_path, prefix="other")
    assert list(tmp_path.iterdir()) == []


def test_the_form_asks_for_a_folder_and_every_field_has_a_label(explained):
    fields = form(explained)
    assert fields["folder"]["default"] and form(explained, folder="")["folder"]["required"]
    assert "problem" not in fields
    assert all(field["view"]["label"] for field in fields.values())


def test_the_form_says_what_is_wrong_before_anything_runs(explained, dataset, tmp_path):
    (tmp_path / "comparison.csv").write_text("precious")
    problem = form(explained, folder=str(tmp_path))["problem"]
    assert problem["invalid"] and "is there already" in problem["error_message"]
    assert "problem" not in form(explained, folder=str(tmp_path), overwrite=True)
    assert "make it first" in form(explained, folder=str(tmp_path / "no" / "report"))["problem"]["error_message"]
    assert "No strategy with the prefix 'sam2'" in form(dataset)["problem"]["error_message"]


def test_it_can_run_now_or_be_delegated():
    config = foo.get_operator(EXPORT).config
    assert config.execute_as_generator and config.allow_immediate_execution and config.allow_delegated_execution


def test_in_the_app_it_tells_progress_and_ends_with_the_paths(explained, tmp_path):
    params = {"folder": str(tmp_path)}
    ctx = foo.ExecutionContext({"dataset_name": explained.name, "params": params}, executor=Executor())
    messages = [message.body for message in foo.get_operator(EXPORT).execute(ctx)]
    progress = [message.params for message in messages if message.operator_uri.endswith("set_progress")]
    assert [step["progress"] for step in progress] == [0, 1]
    assert messages[-1].operator_uri.endswith("show_output")
    cells = messages[-1].params["results"]["table0"]
    assert [next(iter(line.values())) for line in cells] == [str(tmp_path / name) for name in NAMES]


def test_it_runs_as_the_app_runs_it(explained, tmp_path):
    request = {"dataset_name": explained.name, "params": {"folder": str(tmp_path / "report")}}
    result = asyncio.run(execute_or_delegate_operator(EXPORT, request, exhaust=True))
    assert result.error is None
    assert sorted(path.name for path in (tmp_path / "report").iterdir()) == sorted(NAMES)


def test_a_delegated_run_writes_the_same_files(explained, tmp_path):
    ctx = foo.ExecutionContext({"dataset_name": explained.name, "params": {"folder": str(tmp_path)}})
    ctx.request_params["delegated"] = True
    assert ctx.delegated
    list(foo.get_operator(EXPORT).execute(ctx))
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(NAMES)
