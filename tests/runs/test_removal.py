"""Removing results: all of the plugin's, nothing of anybody else's, from any state."""

from datetime import timedelta

import fiftyone as fo
import fiftyone.operators as foo
import pytest

from prompting.analysis.selections import WORST
from prompting.dataset import owned, saved_views
from prompting.dataset.judgements import load_comparison
from prompting.dataset.lock import run_lock
from prompting.dataset.names import StrategyFields, evaluation_key

PLUGIN = "@promptlab/sam2-prompting"
CHANGES = {"last_modified_at", "last_loaded_at", "last_deletion_at", "created_at", "_id", "_dataset_id"}


@pytest.fixture(scope="module")
def remove_results():
    return foo.get_operator(f"{PLUGIN}/remove_results")


def run(name: str, dataset, *args, **params):
    return foo.get_operator(f"{PLUGIN}/{name}")(dataset, *args, progress=False, **params)


def timeless(value):
    """Without ids and time stamps."""
    if isinstance(value, dict):
        return {key: timeless(part) for key, part in value.items() if key not in CHANGES}
    return [timeless(part) for part in value] if isinstance(value, list) else value


def everything(dataset: fo.Dataset) -> tuple:
    """All of a dataset: its samples, its document, how the App shows it, its runs and views."""
    dataset.reload()
    document = timeless(dataset._doc.to_dict())
    return (
        timeless(dataset.to_dict(include_private=True)),
        document,
        list(map(timeless, dataset._sample_collection.find())),
    )


def test_a_dataset_is_as_before(dataset, nano, remove_results):
    """After every operator of the plugin."""
    dataset.delete_samples(dataset[3:])
    dataset.add_sample_field("sam2_notes", fo.StringField)
    dataset.set_values("sam2_notes", ["a person's own"] * 3)
    dataset.save_view("my own", dataset.limit(2))
    before = everything(dataset)
    strategies = ["clip_point", "clip_iterative", "yolo_box", "field_points"]
    run("apply_strategies", dataset, strategies=strategies, prompt_field="ground_truth", heatmap=True, **nano)
    run("evaluate_strategies", dataset, "ground_truth")
    run("explain_strategies", dataset, robustness=True)
    run("measure_agreement", dataset)
    run("show_errors", dataset, "yolo_box")
    run("tag_worst", dataset, "yolo_box", count=2)
    saved_views.keep(dataset, "sam2", "worst 25 of yolo_box", dataset.limit(3))
    removed = remove_results(dataset, confirm=True, progress=False)
    assert removed.done and len(removed.fields) > 30 and removed.saved_views == ("worst 25 of yolo_box",)
    assert dataset.count_sample_tags() == {"annotate": 2}  # a tag is a person's
    dataset.untag_samples("annotate")
    assert everything(dataset) == before
    with pytest.raises(ValueError, match="There are no results with the prefix 'sam2' to remove"):
        remove_results(dataset, confirm=True)


def test_without_confirmation_nothing_goes_and_all_that_would_is_told(explained, remove_results):
    before = everything(explained)
    found = remove_results(explained)
    fields = StrategyFields.of("sam2", "yolo_box")
    assert not found.done and {fields.mask, fields.instances, fields.status} <= set(found.fields)
    assert all(name in str(found) for name in (*found.fields, *found.evaluations, *found.runs))
    assert everything(explained) == before


def test_labels_that_were_taken_over_stay(explained, remove_results):
    run("use_as_labels", explained, "yolo_box", "sam2_mine")
    masks = [label.get_mask().tobytes() for label in explained.values("sam2_mine")]
    remove_results(explained, confirm=True, progress=False)
    assert [label.get_mask().tobytes() for label in explained.values("sam2_mine")] == masks
    assert explained.mask_targets == {"sam2_mine": {1: "person"}}
    assert explained.list_runs() == ["sam2_mine_labels"]


def test_what_a_person_made_stays(explained, remove_results):
    """Fields, evaluations, runs, views, colours and groups that merely sound like the plugin's."""
    explained.add_sample_field("sam2_clip_box", fo.StringField)  # a name of the plugin's, another type
    explained.add_sample_field("sam2_notes", fo.StringField)
    explained.register_run("sam2_clip_box", explained.init_run(method="mine"))
    explained.save_view("clip_point beats yolo_box", explained.match_tags("dawn"))
    explained.save_view("all strategies fail", explained.select(explained.values("id")[:1], ordered=True), "of mine")
    explained.app_config.color_scheme.fields += [{"path": "sam2_notes", "fieldColor": "#123456"}]
    groups = explained.app_config.sidebar_groups
    groups.append(fo.SidebarGroupDocument(name="mine", paths=["sam2_notes"]))
    groups.append(fo.SidebarGroupDocument(name="nothing yet", paths=[]))
    explained.app_config.active_fields = fo.ActiveFields(paths=["ground_truth", "sam2_yolo_box"])
    explained.save()
    remove_results(explained, confirm=True, progress=False)
    assert {"sam2_clip_box", "sam2_notes", "ground_truth"} <= set(explained.get_field_schema())
    assert explained.list_runs() == ["sam2_clip_box"]
    assert explained.list_saved_views() == ["clip_point beats yolo_box", "all strategies fail"]
    assert explained.app_config.color_scheme.fields == [{"path": "sam2_notes", "fieldColor": "#123456"}]
    names = [group.name for group in explained.app_config.sidebar_groups]
    assert names[-2:] == ["mine", "nothing yet"] and not any(name.startswith("sam2") for name in names)
    assert explained.app_config.active_fields.paths == ["ground_truth"]


def test_views_of_earlier_versions_are_known_by_what_they_show(explained, remove_results):
    explained.save_view("yolo_box beats clip_point (2)", explained.select(explained.values("id")[:2], ordered=True))
    assert remove_results(explained).saved_views == ("yolo_box beats clip_point (2)",)
    run_config = explained.init_run(method="sam2_prompting", prefix="other", strategy="clip_box")
    explained.register_run("other_clip_box", run_config)  # now it may be another prefix's
    assert remove_results(explained).saved_views == ()


def test_one_strategy_goes_and_the_others_stay(explained, remove_results):
    scores = explained.values(f"{evaluation_key('sam2', 'yolo_box')}_iou")
    when = explained.get_run_info("sam2_comparison").timestamp
    removed = remove_results(explained, strategy="clip_point", confirm=True, progress=False)
    assert removed.strategy == "clip_point"
    assert not owned.fields_there(explained, "sam2", "clip_point") and not owned.runs_there(
        explained, "sam2", "clip_point"
    )
    assert explained.list_evaluations() == [evaluation_key("sam2", "yolo_box")]
    assert explained.values(f"{evaluation_key('sam2', 'yolo_box')}_iou") == scores
    table = load_comparison(explained)
    assert [row.strategy for row in table.rows] == ["yolo_box"] and table.baseline == "yolo_box"
    assert abs(explained.get_run_info("sam2_comparison").timestamp - when) < timedelta(milliseconds=1)  # as it was
    fields = StrategyFields.of("sam2", "yolo_box")
    assert {fields.mask, fields.instances, fields.status} <= set(explained.get_field_schema())
    assert StrategyFields.of("sam2", "yolo_box").mask in explained.app_config.active_fields.paths
    paths = [path for group in explained.app_config.sidebar_groups for path in group.paths]
    assert not [path for path in paths if "clip_point" in path]
    remove_results(explained, strategy="yolo_box", confirm=True, progress=False)
    assert load_comparison(explained) is None


def test_another_prefix_is_not_touched(explained, remove_results, nano):
    run("apply_strategies", explained, strategies=["yolo_box"], prefix="sam2_b", **nano)
    mine = owned.fields_there(explained, "sam2_b")
    remove_results(explained, confirm=True, progress=False)
    assert owned.fields_there(explained, "sam2_b") == mine and explained.list_runs() == ["sam2_b_yolo_box"]
    with pytest.raises(ValueError, match="prefix 'sam2' to remove; there are results with 'sam2_b'"):
        remove_results(explained)


def test_what_somebody_deleted_by_hand_stops_nothing(explained, remove_results):
    key = evaluation_key("sam2", "yolo_box")
    explained.delete_sample_fields(["sam2_yolo_box", "sam2_truth", f"{key}_iou", f"{key}_accuracy"])
    explained.delete_run("sam2_clip_point")
    remove_results(explained, confirm=True, progress=False)
    assert not explained.list_runs() and not explained.list_evaluations() and not explained.mask_targets
    assert [name for name in explained.get_field_schema() if name.startswith("sam2")] == []


@pytest.mark.parametrize("steps", range(0, 9, 2))
def test_a_removal_that_ends_in_the_middle_is_finished_by_the_next(explained, remove_results, steps):
    from prompting.runs.removal import remove_results as removal

    saved_views.keep(explained, "sam2", f"worst {WORST} of yolo_box", explained.limit(3))
    reference = explained.clone()
    remove_results(reference, confirm=True, progress=False)
    half = removal(explained)
    for _ in range(steps + 1):
        next(half)
    half.close()
    explained.reload()
    assert len(list(explained.iter_samples())) == 6  # it can be read
    remove_results(explained, confirm=True, progress=False)
    assert everything(explained)[1]["app_config"] == everything(reference)[1]["app_config"]
    assert explained.get_field_schema().keys() == reference.get_field_schema().keys()
    assert not explained.list_runs() and not explained.list_evaluations() and not explained.list_saved_views()
    reference.delete()


def test_a_run_that_is_alive_keeps_its_results(explained, remove_results):
    before = everything(explained)
    with run_lock(explained, "sam2", "applying strategies"), pytest.raises(ValueError, match="is applying strategies"):
        remove_results(explained, confirm=True, progress=False)
    assert everything(explained) == before


def test_results_are_removed_from_whole_datasets_alone(explained, remove_results):
    with pytest.raises(ValueError, match="removed from a whole dataset"):
        remove_results(explained.limit(2), confirm=True)
    with pytest.raises(ValueError, match="Unknown strategy"):
        remove_results(explained, strategy="nobody")


def test_a_reference_whose_run_is_gone_is_removed_too(explained, remove_results):
    """FiftyOne was killed between the two."""
    for references in (explained._doc.evaluations, explained._doc.runs):
        next(iter(references.values())).delete()
    explained.reload()
    remove_results(explained, confirm=True)
    assert not explained._doc.evaluations and not explained._doc.runs
