"""Removing results: all of the plugin's, nothing of anybody else's, from any state."""

import json
from datetime import timedelta

import fiftyone as fo
import fiftyone.core.odm as odm
import fiftyone.operators as foo
import numpy as np
import pytest

from prompting.analysis.selections import WORST
from prompting.analysis.study import Study
from prompting.dataset import owned, saved_views
from prompting.dataset.judgements import load_comparison
from prompting.dataset.lock import run_lock
from prompting.dataset.names import FinalFields, StrategyFields, evaluation_key
from prompting.dataset.studies import save_study
from prompting.runs.review import Review
from tests.copies import copy_of
from tests.operators.asking import form
from tests.operators.asking import run as run_operator
from tests.storing import timeless

PLUGIN = "@promptlab/sam2-prompting"


@pytest.fixture(scope="module")
def remove_results():
    return foo.get_operator(f"{PLUGIN}/remove_results")


def run(operator: str, dataset, *args, **params):
    return foo.get_operator(f"{PLUGIN}/{operator}")(dataset, *args, progress=False, **params)


def everything(dataset: fo.Dataset) -> tuple:
    """All of a dataset: its samples, its document, how the App shows it, its runs and views."""
    dataset.reload()
    document = timeless(dataset._doc.to_dict())
    return (
        timeless(dataset.to_dict(include_private=True)),
        document,
        list(map(timeless, dataset._sample_collection.find())),
    )


def exported(dataset: fo.Dataset, folder) -> dict:
    """The dataset as FiftyOne writes it down: its JSON, and its samples'."""
    dataset.export(export_dir=str(folder), dataset_type=fo.types.FiftyOneDataset, export_media=False, overwrite=True)
    return {name: timeless(json.loads((folder / name).read_text())) for name in ("metadata.json", "samples.json")}


def test_a_dataset_is_as_before(dataset, nano, remove_results, tmp_path):
    """After every operator of the plugin, and its export is too."""
    dataset.delete_samples(dataset[2:])
    dataset.info["mine"] = {"a": 1}
    dataset.add_sample_field("sam2_notes", fo.StringField)
    dataset.set_values("sam2_notes", ["a person's own"] * 2)
    dataset.save_view("my own", dataset.limit(1))
    dataset.clone_sample_field("ground_truth", "other_model")
    dataset.save()
    before, before_exported = everything(dataset), exported(dataset, tmp_path)
    strategies = ["clip_point", "clip_iterative", "yolo_box", "field_points"]
    run("apply_strategies", dataset, strategies=strategies, prompt_field="ground_truth", heatmap=True, **nano)
    study = Study(("yolo_box",), np.ones((1, 2)), np.ones((1, 2)), ("a", "b"), 0.05, "masks", 2)
    save_study(dataset, "sam2", study, {"classes": ["person"]}, dataset.values("id"))  # all that a sweep writes
    run("evaluate_strategies", dataset, "ground_truth", fields=["other_model"], patches=True)
    run("explain_strategies", dataset, robustness=True)
    run("measure_agreement", dataset)
    run("show_errors", dataset, "yolo_box")
    run("tag_worst", dataset, "yolo_box", count=2)
    saved_views.keep(dataset, "sam2", "worst 25 of yolo_box", dataset.limit(2))
    run("finish_labels", dataset, strategies="yolo_box")
    run("evaluate_strategies", dataset, "ground_truth", fields=["labels"], overwrite=True)
    review = Review(dataset)
    review.take(review.queue()[0], "clip_point")
    assert remove_results(dataset, labels="labels", confirm=True, progress=False).done
    assert load_comparison(dataset) is not None and dataset.has_sample_field("sam2_yolo_box")
    removed = remove_results(dataset, confirm=True, progress=False)
    assert removed.done and len(removed.fields) > 30 and removed.saved_views == ("worst 25 of yolo_box",)
    assert dataset.count_sample_tags() == {"annotate": 2}  # a tag is a person's
    dataset.untag_samples("annotate")
    assert everything(dataset) == before
    assert exported(dataset, tmp_path) == before_exported
    with pytest.raises(ValueError, match="There are no results with the prefix 'sam2' to remove"):
        remove_results(dataset, confirm=True)


def arrange_before(dataset: fo.Dataset) -> None:
    """A person's own way to look at a dataset."""
    dataset.add_sample_field("notes", fo.StringField)
    config = dataset.app_config
    config.color_scheme = fo.ColorScheme(color_by="field", fields=[{"path": "ground_truth", "fieldColor": "#ff0000"}])
    groups = fo.DatasetAppConfig.default_sidebar_groups(dataset)
    config.sidebar_groups = [fo.SidebarGroupDocument(name="mine", paths=["notes"]), *groups]
    config.sidebar_groups[-1].expanded = False
    for group in groups:
        group.paths = [path for path in group.paths if path != "notes"]
    config.active_fields = fo.ActiveFields(paths=["ground_truth"])
    dataset.save_view("dawn", dataset.match_tags("dawn"))
    dataset.save()


def arrange_later(dataset: fo.Dataset) -> None:
    """And another one, after results came."""
    dataset.reload()
    config = dataset.app_config
    config.color_scheme.fields += [{"path": "notes", "fieldColor": "#00ff00"}]
    config.color_scheme.opacity = 0.4
    config.sidebar_groups += [fo.SidebarGroupDocument(name="later", paths=["filepath"])]
    for group in config.sidebar_groups[:-1]:
        group.paths = [path for path in group.paths if path != "filepath"]
    config.active_fields.paths = ["ground_truth", "notes"]
    dataset.save_view("later", dataset.limit(1))
    dataset.tag_samples("seen")
    dataset.info["later"] = True
    dataset.save()


def test_what_a_person_set_before_and_in_between_is_as_if_nothing_had_been_applied(dataset, nano, remove_results):
    dataset.delete_samples(dataset[2:])
    arrange_before(dataset)
    untouched = dataset.clone()
    run("apply_strategies", dataset, strategies=["clip_point", "yolo_box"], **nano)
    run("evaluate_strategies", dataset, "ground_truth")
    run("finish_labels", dataset, strategies="yolo_box")
    for one in (dataset, untouched):
        arrange_later(one)
    remove_results(dataset, labels="labels", confirm=True, progress=False)
    remove_results(dataset, confirm=True, progress=False)
    (_, document, samples), (_, expected, expected_samples) = everything(dataset), everything(untouched)
    names = ("name", "slug", "sample_collection_name", "frame_collection_name", "saved_views")
    for name in document.keys() - names:
        assert document[name] == expected[name], name
    views = [[(view.name, view.view_stages) for view in one._doc.saved_views] for one in (dataset, untouched)]
    assert views[0] == views[1] and samples == expected_samples
    untouched.delete()


def test_without_confirmation_nothing_goes_and_all_that_would_is_told(explained, remove_results):
    before = everything(explained)
    found = remove_results(explained)
    fields = StrategyFields.of("sam2", "yolo_box")
    assert not found.done and {fields.mask, fields.instances, fields.status} <= set(found.fields)
    assert all(name in str(found) for name in (*found.fields, *found.evaluations, *found.runs))
    assert everything(explained) == before


def test_finished_labels_stay_with_a_prefix_and_go_when_they_are_named(explained, remove_results):
    run("finish_labels", explained, strategies="yolo_box", name="sam2_mine")
    masks = [label.get_mask().tobytes() for label in explained.values("sam2_mine")]
    remove_results(explained, confirm=True, progress=False)
    assert [label.get_mask().tobytes() for label in explained.values("sam2_mine")] == masks
    assert explained.mask_targets == {"sam2_mine": {1: "person"}}
    assert explained.list_runs() == ["sam2_mine_labels"]
    found = remove_results(explained, labels="sam2_mine")
    assert set(found.fields) == set(FinalFields.of("sam2_mine").everything) and found.runs == ("sam2_mine_labels",)
    remove_results(explained, labels="sam2_mine", confirm=True, progress=False)
    assert not explained.list_runs() and not explained.mask_targets
    assert not [name for name in explained.get_field_schema() if name.startswith("sam2")]


def test_labels_go_with_what_was_scored_of_them_and_decided_on_them(explained, remove_results):
    before = everything(explained)
    run("finish_labels", explained, strategies="yolo_box")
    run("evaluate_strategies", explained, "ground_truth", fields=["labels"], overwrite=True)
    review = Review(explained)
    assert "by hand" not in str(remove_results(explained, labels="labels"))
    for sample_id in review.queue():
        review.accept(sample_id)
    assert "6 of these labels were accepted or edited by hand." in str(remove_results(explained, labels="labels"))
    remove_results(explained, labels="labels", confirm=True, progress=False)
    assert {row.strategy for row in load_comparison(explained)} == {"clip_point", "yolo_box"}
    after = everything(explained)
    assert after[1]["sample_fields"] == before[1]["sample_fields"]
    assert after[1]["app_config"]["sidebar_groups"] == before[1]["app_config"]["sidebar_groups"]
    run("finish_labels", explained, strategies="yolo_box")
    assert Review(explained).last() is None  # what was decided on others of that name is nobody's any more


def test_the_form_removes_labels_by_its_own_choice(explained):
    run("finish_labels", explained, strategies="yolo_box")
    shown = form("remove_results", explained, {"strategy": "labels: labels"})
    assert "the labels 'labels'" in str(shown["what"])
    run_operator("remove_results", explained, {"strategy": "labels: labels", "confirm": True})
    explained.reload()
    assert not explained.has_sample_field("labels") and explained.has_sample_field("sam2_yolo_box")


def test_fields_of_a_person_are_no_labels_of_ours(explained, remove_results):
    explained.add_sample_field("labels", fo.EmbeddedDocumentField, embedded_doc_type=fo.Segmentation)
    run("finish_labels", explained, strategies="yolo_box", name="mine")
    with pytest.raises(ValueError, match="There are no labels 'labels' of the plugin's to remove; there are 'mine'"):
        remove_results(explained, labels="labels")
    with pytest.raises(ValueError, match="give one of them"):
        remove_results(explained, strategy="yolo_box", labels="mine")
    explained.delete_sample_fields(["mine_source", "mine_status"])
    explained.add_sample_field("mine_status", fo.IntField)  # somebody's, of another type
    remove_results(explained, labels="mine", confirm=True, progress=False)
    assert [name for name in explained.get_field_schema() if name.startswith("mine")] == ["mine_status"]


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
    empty = ["nothing yet", "sam2 ideas", "sam2_mine", "sam2_b clip_box"]  # the last is another prefix's
    groups += [fo.SidebarGroupDocument(name=name, paths=[]) for name in empty]
    explained.app_config.active_fields = fo.ActiveFields(paths=["ground_truth", "sam2_yolo_box"])
    explained.save()
    remove_results(explained, confirm=True, progress=False)
    assert {"sam2_clip_box", "sam2_notes", "ground_truth"} <= set(explained.get_field_schema())
    assert explained.list_runs() == ["sam2_clip_box"]
    assert explained.list_saved_views() == ["clip_point beats yolo_box", "all strategies fail"]
    assert explained.app_config.color_scheme.fields == [{"path": "sam2_notes", "fieldColor": "#123456"}]
    names = [group.name for group in explained.app_config.sidebar_groups]
    assert names[-5:] == ["mine", *empty] and not any(name.startswith("sam2") for name in names[:-5])
    assert explained.app_config.active_fields.paths == ["ground_truth"]


def test_a_persons_own_mask_of_a_name_that_we_give_stays(explained, remove_results):
    """We write no masks without a status beside them, and no truth without its size."""
    own = {"sam2_clip_points", "other_truth"}
    explained.set_values("sam2_clip_points", [fo.Segmentation(mask=np.ones((4, 4), np.uint8))] * len(explained))
    explained.set_values("other_truth", [fo.Segmentation(mask=np.ones((4, 4), np.uint8))] * len(explained))
    explained.set_values("other_clip_box_status", ["ok"] * len(explained))
    for prefix in ("sam2", "other"):
        assert not own & set(remove_results(explained, prefix=prefix).fields)
        remove_results(explained, prefix=prefix, confirm=True)
    assert own <= set(explained.get_field_schema()) and not explained.has_sample_field("other_clip_box_status")


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
    assert removed.whose.strategy == "clip_point"
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


def test_how_another_prefix_is_shown_stays_even_if_the_app_changed_it_meanwhile(explained, remove_results, nano):
    def shown() -> tuple:
        explained.reload()
        config = explained.app_config
        colours = {entry["path"]: entry["fieldColor"] for entry in config.color_scheme.fields}
        groups = [(group.name, list(group.paths)) for group in config.sidebar_groups]
        return dict(explained.mask_targets), colours, groups, list(config.active_fields.paths)

    run("show_errors", explained, "yolo_box")
    run("explain_strategies", explained)  # groups the overlay
    targets, colours, groups, ticked = shown()
    run("apply_strategies", explained, strategies=["yolo_box"], prefix="b", **nano)
    its = {"path": "sam2_overlay", "fieldColor": "#123456"}
    database, dataset = odm.get_db_conn(), {"_id": explained._doc.id}  # the App's server is another process
    database.datasets.update_one(dataset, {"$push": {"app_config.color_scheme.fields": its}})
    remove_results(explained, prefix="b", confirm=True, progress=False)
    assert "sam2_overlay" in targets
    assert shown() == (targets, colours | {"sam2_overlay": "#123456"}, groups, ticked)


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


def test_labels_of_a_persons_own_stay_in_a_field_that_finishing_filled(applied_once, remove_results):
    """Earlier versions wrote beside them; who declared the field may also set one later."""
    dataset = copy_of(applied_once)
    first, second = dataset.values("id")[:2]
    dataset.add_sample_field("labels", fo.EmbeddedDocumentField, embedded_doc_type=fo.Segmentation)
    dataset.mask_targets = {**dataset.mask_targets, "labels": {1: "person"}}
    dataset.save()
    run("finish_labels", dataset[1:], strategies="yolo_box")
    sample = dataset[first]
    sample["labels"] = fo.Segmentation(mask=np.full((4, 4), 1, np.uint8))
    sample.save()
    before = timeless(dataset._sample_collection.find_one({"_id": sample._id}))
    for existing in ("skip", "overwrite"):
        with pytest.raises(ValueError, match=r"'labels' is a field of your own.*; choose another name"):
            run("finish_labels", dataset, strategies="yolo_box", existing=existing)
    assert dataset[second]["labels"] is not None
    found = remove_results(dataset, labels="labels")
    assert "labels" not in found.fields and "labels (but for 1 that finishing didn't write)" in str(found)
    remove_results(dataset, labels="labels", confirm=True, progress=False)
    gone = {name: value for name, value in before.items() if not name.startswith("labels_")}
    assert timeless(dataset._sample_collection.find_one({"_id": sample._id})) == gone
    assert dataset[second]["labels"] is None and len(dataset.exists("labels")) == 1
    assert not [name for name in dataset.get_field_schema() if name.startswith("labels_")]
    assert dataset.mask_targets["labels"] == {1: "person"}
    dataset.delete()
