"""Forms begin with what was asked for last: of the dataset, else by the person; never with what nobody chose."""

import dataclasses

import fiftyone as fo
import fiftyone.operators as foo

from prompting.dataset import records
from prompting.dataset.last_run import last_asked, remember
from prompting.plan import Plan
from tests.storing import declare

NANO = {"sam2_model": "nano", "clip_model": "nano", "yolo_model": "nano"}


def applied(dataset, asked: Plan, **resolved) -> None:
    """As if a plan had been applied."""
    plan = dataclasses.replace(asked, **resolved)
    declare(dataset, plan)
    for strategy in plan.strategies:
        records.register(dataset, plan, strategy, asked)


def form(dataset, **params) -> dict:
    ctx = foo.ExecutionContext({"dataset_name": dataset.name, "params": params})
    operator = foo.get_operator("@promptlab/sam2-prompting/apply_strategies")
    return operator.resolve_type(ctx, "inputs").to_json()["type"]["properties"]


def defaults(dataset, **params) -> dict:
    return {name: field["default"] for name, field in form(dataset, **params).items()}


def test_where_nothing_was_run_the_form_begins_with_the_plans_defaults(dataset, nobody_asked_before):
    begins = defaults(dataset)
    assert begins["strategies"] == list(Plan.strategies)
    assert begins["classes"] == "person"
    assert begins["models"] == "official"  # the bundled models are never chosen for a person
    assert begins["advanced"] is False


def test_the_datasets_last_run_is_what_the_next_form_begins_with(dataset, nobody_asked_before):
    remember(Plan(strategies=("clip_points",), classes=("dog",)))
    applied(dataset, Plan(strategies=("clip_box", "yolo_box"), classes=("person", "bus"), seed=3, **NANO))
    begins = defaults(dataset)
    assert begins["strategies"] == ["clip_box", "yolo_box"]
    assert begins["classes"] == "person, bus"
    assert begins["models"] == "bundled"
    assert begins["advanced"] is True and begins["seed"] == 3  # what differs is seen


def test_auto_stays_auto_though_the_record_says_what_it_meant(dataset, nobody_asked_before):
    asked = Plan(strategies=("clip_box",))
    applied(dataset, asked, sam2_model="sam2.1-hiera-tiny", device="cpu", encoder_precision="bfloat16")
    assert last_asked(dataset)["sam2_model"] == "auto"
    assert defaults(dataset)["models"] == "official"
    assert defaults(dataset)["advanced"] is False


def test_models_named_one_by_one_are_offered_one_by_one(dataset, nobody_asked_before):
    applied(dataset, Plan(strategies=("clip_box",), sam2_model="sam2.1-hiera-small", clip_model="nano"))
    begins = defaults(dataset)
    assert (begins["models"], begins["sam2_model"], begins["clip_model"]) == ("each", "sam2.1-hiera-small", "nano")


def test_another_dataset_begins_with_the_persons_last_run(dataset, nobody_asked_before):
    remember(Plan(strategies=("clip_box",), **NANO), person="ann")
    assert last_asked(dataset, "ann")["sam2_model"] == "nano"
    assert last_asked(dataset, "bob") == {}
    remember(Plan(strategies=("yolo_box",), **NANO))
    assert defaults(dataset)["strategies"] == ["yolo_box"]


def test_folders_are_their_own_datasets_alone(dataset, nobody_asked_before, tmp_path, monkeypatch):
    monkeypatch.setenv("SAM2_PROMPTING_REPORTS", str(tmp_path))
    asked = Plan(strategies=("clip_box",), mask_dir=tmp_path, rel_dir="/data", **NANO)
    remember(asked)
    assert defaults(dataset, advanced=True)["mask_dir"] is None and "rel_dir" not in last_asked(dataset)
    applied(dataset, asked)
    begins = defaults(dataset)
    assert (begins["mask_dir"], begins["rel_dir"]) == (str(tmp_path), "/data")


def test_what_is_no_longer_there_is_not_offered(dataset, nobody_asked_before):
    remember(Plan(strategies=("field_box", "clip_box"), prompt_field="boxes", sam2_model="/gone/checkpoint.pt", seed=4))
    asked = last_asked(dataset)
    assert asked["strategies"] == ["clip_box"] and "prompt_field" not in asked and "sam2_model" not in asked
    assert asked["seed"] == 4
    dataset.add_sample_field("boxes", fo.EmbeddedDocumentField, embedded_doc_type=fo.Detections)
    assert last_asked(dataset)["prompt_field"] == "boxes"


def test_values_that_a_plan_refuses_are_forgotten(dataset, nobody_asked_before):
    nobody_asked_before.set("anybody", {"strategies": ["clip_box"], "seed": "many"})
    assert last_asked(dataset) == {}


def test_records_of_earlier_versions_are_understood(dataset, nobody_asked_before):
    applied(dataset, Plan(strategies=("clip_box", "yolo_box"), **NANO), device="cpu", encoder_precision="float32")
    for strategy in ("clip_box", "yolo_box"):
        config = dataset.get_run_info(f"sam2_{strategy}").config
        del config.asked
        dataset.update_run_config(f"sam2_{strategy}", config)
    asked = last_asked(dataset)
    assert sorted(asked["strategies"]) == ["clip_box", "yolo_box"]
    assert (asked["sam2_model"], asked["device"], asked["encoder_precision"]) == ("nano", "auto", "auto")


def test_a_run_is_remembered_by_the_dataset_and_by_the_person(dataset, nobody_asked_before, apply_strategies, nano):
    apply_strategies(dataset[:1], strategies=["yolo_box"], progress=False, **nano)
    assert nobody_asked_before.get("anybody")["strategies"] == ["yolo_box"]
    assert last_asked(dataset)["sam2_model"] == "nano"
    fields = form(dataset, strategies=["yolo_box"], classes="person", models="bundled", existing="skip")
    assert "problem" not in fields  # "keep them" isn't refused for models that were named once already
