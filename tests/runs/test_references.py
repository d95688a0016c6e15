"""A few labelled pictures show what to look for: things that no detector knows are found in the others."""

import re
import time
import uuid
from dataclasses import replace
from pathlib import Path

import fiftyone as fo
import fiftyone.core.patches as fop
import fiftyone.operators as foo
import numpy as np
import pytest
from bson import ObjectId
from PIL import Image

from demo.things import THINGS, make_things
from prompting.dataset import lock
from prompting.dataset.given_references import as_references
from prompting.dataset.judgements import load_comparison
from prompting.dataset.references import read_references
from prompting.dataset.stopping import request_stop, running
from prompting.errors import PromptingError, Stopped
from prompting.plan import Plan
from prompting.runs.application import apply
from prompting.runs.progress import LEARNING, LOADING, LOOKING
from prompting.runs.sweep import SweepPlan, sweep
from tests.copies import copy_of
from tests.operators.asking import form

NAME = "reference_box_points"
COINS = {"strategies": [NAME], "classes": ["coin"], "reference_field": "ground_truth"}


@pytest.fixture(scope="module")
def coins_once(tmp_path_factory):
    """Six tiles of scikit-image's coins; two are tagged as references."""
    dataset = make_things(THINGS[0], tmp_path_factory.mktemp("coins"), f"coins-{uuid.uuid4().hex[:8]}")
    use = foo.get_operator("@promptlab/sam2-prompting/use_as_references")
    taught = use(dataset[:2], "ground_truth", progress=False)
    assert str(taught) == "2 labelled pictures of coin are tagged 'reference'."
    yield dataset
    dataset.delete()


@pytest.fixture(scope="module")
def found_once(coins_once, apply_strategies, nano):
    """The coins found by those two, and by words."""
    dataset = copy_of(coins_once, f"found-{uuid.uuid4().hex[:8]}")
    apply_strategies(
        dataset, **{**COINS, "strategies": [NAME, "clip_box_points"]}, references="reference", progress=False, **nano
    )
    yield dataset
    dataset.delete()


@pytest.fixture
def coins(coins_once):
    dataset = copy_of(coins_once)
    yield dataset
    dataset.delete()


@pytest.fixture
def found(found_once):
    dataset = copy_of(found_once)
    yield dataset
    dataset.delete()


def test_coins_are_found_by_two_tiles_of_them_and_not_by_their_name(found, evaluate_strategies):
    table = evaluate_strategies(found, "ground_truth", progress=False)
    assert table[NAME].mean_iou > 0.6 > table["clip_box_points"].mean_iou + 0.2


def test_references_are_left_out_of_the_table_unless_asked_for(found, evaluate_strategies, capsys):
    table = evaluate_strategies(found, "ground_truth", progress=False)
    assert table.references == 2 and {row.images for row in table} == {4}
    assert "Mean IoU over 4 images (without 2 reference pictures), compared with clip_box_points" in str(table)
    assert "Left out: 2 reference pictures, which strategies learned from." in capsys.readouterr().out
    assert load_comparison(found).references == 2
    alone = evaluate_strategies(found, "ground_truth", strategies=["clip_box_points"], overwrite=True, progress=False)
    assert alone.references == 0 and alone.rows[0].images == 6 and "without" not in str(alone).split(",")[0]
    asked = evaluate_strategies(found, "ground_truth", include_references=True, overwrite=True, progress=False)
    assert asked.references == 0 and {row.images for row in asked} == {6}
    with pytest.raises(ValueError, match="All 2 samples with a label in 'ground_truth' are reference pictures"):
        evaluate_strategies(found.match_tags("reference"), "ground_truth", overwrite=True, progress=False)


def test_the_record_tells_the_references_from_others(found, apply_strategies, nano):
    """A tag, a view or ids, in whatever order: the same pictures are the same. Another mask is another thing."""
    references = found.match_tags("reference")
    record = found.get_run_info(f"sam2_{NAME}").config
    assert len(record.references_sha256) == 64 + 1 + 64 and record.asked["references"] == "reference"
    for said in (
        references,
        references.to_patches("ground_truth"),
        references.values("id")[::-1],
        "reference",
        ",".join(references.values("id")),
    ):
        done = apply_strategies(found, **COINS, references=said, existing="skip", progress=False, **nano)
        assert done.total == 0
    refused = "6 samples keep results of 'reference_box_points' that learned from other reference pictures"
    with pytest.raises(ValueError, match=refused):
        apply_strategies(found, **COINS, references=found[1:3], existing="skip", progress=False, **nano)
    sample = references.first()
    sample.ground_truth.detections.pop()
    sample.save()
    with pytest.raises(ValueError, match=refused):
        apply_strategies(found, **COINS, references="reference", existing="skip", progress=False, **nano)


@pytest.fixture
def skip(found, apply_strategies, nano):
    """Apply the same with other references, to the samples without results."""
    return lambda references: apply_strategies(
        found, **COINS, references=references, existing="skip", progress=False, **nano
    )


def test_another_picture_under_the_same_name_with_the_same_mask_is_another_reference(found, skip, tmp_path):
    """In its own place or in another folder: what it shows counts."""
    refused = "6 samples keep results of 'reference_box_points' that learned from other reference pictures"
    first = found.match_tags("reference").first()
    inside_out = tmp_path / Path(first.filepath).name
    Image.fromarray(255 - np.asarray(Image.open(first.filepath))).save(inside_out)
    (other,) = found.add_samples([fo.Sample(filepath=str(inside_out), ground_truth=first.ground_truth.copy())])
    ids = found.match_tags("reference").values("id")
    with pytest.raises(ValueError, match=refused):
        skip([other, ids[1]])
    first.filepath = str(inside_out)
    first.save()
    with pytest.raises(ValueError, match=refused):
        skip("reference")


def test_a_record_of_an_earlier_version_is_understood(found, skip):
    """It knew the pictures by their names and masks alone."""
    config = found.get_run_info(f"sam2_{NAME}").config
    config.references_sha256 = config.references_sha256[:64]
    found.update_run_config(f"sam2_{NAME}", config)
    assert skip("reference").total == 0
    with pytest.raises(ValueError, match="learned from other reference pictures"):
        skip(found[1:3])


def test_references_are_given_as_python_gives_them(coins):
    ids = coins[:2].values("id")
    for given in (
        coins[:2],
        coins[:2].sort_by("id", reverse=True).select_fields("ground_truth"),
        coins[:2].filter_labels("ground_truth", fo.ViewField("label") == "coin"),
        coins[:2].to_patches("ground_truth"),
        (i for i in ids),
        tuple(ids),
        np.array(ids),
        [ObjectId(i) for i in ids],
        list(coins[:2]),
        [*ids, ids[0]],
    ):
        assert sorted(as_references(given, coins, "ground_truth")) == sorted(ids)
    assert as_references(coins.first(), coins) == as_references(ObjectId(ids[0]), coins) == ids[:1]
    assert as_references("reference", coins) == "reference" and as_references(None, coins) is None
    for given, said in (
        (coins.limit(0), "There are no pictures in what is given as references"),
        ([], "There are no pictures in what is given as references"),
        (5, "references are a tag, a view, or samples or their ids, and int is none of these"),
        ([fo.Sample(filepath="new.png")], "in no dataset yet"),
    ):
        with pytest.raises(PromptingError, match=said) as refused:
            as_references(given, coins, "ground_truth")
        assert refused.value.parameter == "references"


@pytest.mark.parametrize(
    "alter",
    [
        lambda view: view.filter_labels("ground_truth", fo.ViewField("index") == 0),
        lambda view: view.map_labels("ground_truth", {"coin": "penny"}),
        lambda view: view.limit_labels("ground_truth", 1),
        lambda view: view.to_patches("ground_truth").limit(2),
    ],
)
def test_a_view_that_shows_other_labels_than_the_dataset_has_is_refused_with_what_to_do(coins, alter):
    """Elsewhere labels are what a view shows, and references are known by their ids: it would teach all of them."""
    for sample in coins[:2]:
        for index, detection in enumerate(sample.ground_truth.detections):
            detection["index"] = index
        sample.save()
    view = alter(coins[:2])
    with pytest.raises(PromptingError, match=r"shows other labels in 'ground_truth' .*clone_sample_field") as refused:
        as_references(view, coins, "ground_truth")
    assert "\n" not in str(refused.value)
    assert as_references(view, coins, "other") == coins.select(as_references(view, coins)).values("id")
    if not isinstance(view, fop.PatchesView):  # what the sentence says
        view.clone_sample_field("ground_truth", "shown")
        assert coins[:2].values("shown.detections.label") == view.values("ground_truth.detections.label")
        assert as_references(view.view(), coins, "shown") and as_references(coins[:2], coins, "shown")


def test_the_same_references_make_the_same_masks_to_the_byte(found, apply_strategies, nano):
    """As other samples too, beside which the first are remembered: results of either may be there."""
    (first, second), before = found.match_tags("reference").values("id"), found.values(f"sam2_{NAME}.mask")
    (copy,) = found.add_samples(
        [fo.Sample(filepath=found[first].filepath, ground_truth=found[first].ground_truth.copy())]
    )
    again = {**COINS, "references": [second, copy, first], "existing": "overwrite"}
    apply_strategies(found[2:3], **again, progress=False, **nano)
    assert np.array_equal(before[2], found[2:3].values(f"sam2_{NAME}.mask")[0])
    assert set(found.get_run_info(f"sam2_{NAME}").config.references) == {copy, first, second}
    apply_strategies(found[3:4], **{**again, "references": [copy, second]}, progress=False, **nano)
    assert np.array_equal(before[3], found[3:4].values(f"sam2_{NAME}.mask")[0])
    assert set(found.get_run_info(f"sam2_{NAME}").config.references) == {copy, first, second}


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"references": "nobody"}, "No sample of the dataset has the tag 'nobody'"),
        ({"references": ["0" * 24]}, "The reference picture 0{24} isn't in the dataset"),
        ({"reference_field": "nowhere"}, "There is no label field 'nowhere'"),
        ({"reference_field": "tags"}, "no label field 'tags'"),
        ({"classes": ["coin", "note"]}, "No reference picture has a mask of 'note' in 'ground_truth'"),
        ({"references": None}, "need references: a tag, a view, or ids"),
        ({"references": "  "}, "need references: a tag, a view, or ids"),
        ({"references": " , "}, "need references: a tag, a view, or ids"),
    ],
)
def test_what_cannot_be_learned_from_is_refused_before_any_work(coins, apply_strategies, nano, wrong, said):
    before = set(coins.get_field_schema()), coins.list_runs()
    with pytest.raises(ValueError, match=said) as refused:
        apply_strategies(coins, **{**COINS, "references": "reference", **wrong}, progress=False, **nano)
    assert "\n" not in str(refused.value)
    assert (set(coins.get_field_schema()), coins.list_runs()) == before


def test_labels_that_teach_nothing_are_refused_in_a_sentence(coins, apply_strategies, nano):
    def refuses(said: str, **more) -> None:
        asked = {**COINS, "references": "reference", **more}
        with pytest.raises(ValueError, match=said) as refused:
            apply_strategies(coins, **asked, progress=False, **nano)
        assert "\n" not in str(refused.value) and refused.value.parameter in ("references", "reference_field")

    first, second = coins.match_tags("reference")
    boxes = fo.Detections(detections=[fo.Detection(label="coin", bounding_box=[0, 0, 0.5, 0.5])])
    coins.set_values("boxes", {first.id: boxes, second.id: boxes}, key_field="id")
    refuses("have no masks in 'boxes', just boxes or nothing", reference_field="boxes")
    some = {one.id: fo.Detections(detections=one.ground_truth.detections[:2]) for one in (first, second)}
    some[first.id].detections[0].mask = None
    coins.set_values("some", some, key_field="id")
    refuses("1 of 4 detections in 'some' have no instance mask .*, so it can't be learned from", reference_field="some")
    whole = {one.id: fo.Segmentation(mask=np.ones((9, 9), np.uint8)) for one in (first, second)}
    coins.set_values("whole", whole, key_field="id")
    refuses("cover the reference pictures whole, and nothing shows what isn't meant", reference_field="whole")
    first["ground_truth"] = None
    first.save()
    refuses("1 of 2 reference pictures have no label in 'ground_truth', the first of them coin_00.png")
    coins.match_tags("reference").untag_samples("reference")
    refuses("No sample of the dataset has the tag 'reference'")
    other = fo.Dataset()
    other.add_sample(fo.Sample(filepath=first.filepath))
    refuses(f"The references are of the dataset '{other.name}'", references=other)
    other.delete()


def test_references_of_any_kind_of_picture_and_mask_teach(coins, apply_strategies, nano, tmp_path):
    """Of another size, with transparency, several classes, a thing of a few pixels, and a Segmentation."""
    first, second = coins.match_tags("reference")
    large = Image.open(first.filepath).resize((900, 1000)).convert("RGBA")
    large.save(tmp_path / "large.png")
    first.filepath = str(tmp_path / "large.png")
    mask = np.asarray(large.convert("L")) > 120
    mask[:20, :20] = False
    values = mask.astype(np.uint8)
    values[4:8, 4:8] = 2
    first["classes"] = fo.Segmentation(mask=values)
    first.save()
    second["classes"] = fo.Segmentation(mask=np.zeros((10, 10), np.uint8))
    second.save()
    coins.mask_targets["classes"] = {1: "Coin", 2: "speck"}
    coins.save()
    asked = {**COINS, "classes": ["coin", "speck"], "reference_field": "classes"}
    with pytest.warns(UserWarning, match=r"show little of 'speck' \(about 1\)"):
        done = apply_strategies(coins[2:3], **asked, references="reference", progress=False, **nano)
    assert (done.done, done.failed) == (1, 0)
    assert 1 in coins[2:3].first()[f"sam2_{NAME}"].get_mask()


@pytest.mark.parametrize("doing", [LOOKING, LEARNING])
def test_it_tells_which_reference_it_is_at_and_stops_there_with_nothing_written(coins, nano, doing, monkeypatch):
    monkeypatch.setattr(lock, "RENEW_SECONDS", 0.02)
    before, told = (set(coins.get_field_schema()), coins.list_runs()), []
    plan = Plan(**{**COINS, "strategies": (NAME,)}, references="reference", **nano)
    with pytest.raises(Stopped) as stopped:
        for step in apply(coins, plan):
            told.append((step.doing, step.done, step.total))
            if step.doing == doing:
                time.sleep(0.1)
                assert running(coins).doing == doing and request_stop(coins)
                time.sleep(0.2)
    during = "it learned from the reference pictures" if doing == LEARNING else "the reference pictures were read"
    assert str(stopped.value) == f"Stopped on request while {during}; nothing was written."
    assert told == [(LOOKING, 0, 2), (LOADING, 0, 0), (LEARNING, 0, 2)][: 3 if doing == LEARNING else 1]
    assert (set(coins.get_field_schema()), coins.list_runs()) == before and running(coins) is None


def test_references_that_show_little_are_told_before_anything_is_learned(coins):
    """In the form too; of coins there are many patches."""
    few = {i: fo.Detections(detections=coins[i].ground_truth.detections[:1]) for i in coins[:2].values("id")}
    for label in few.values():
        label.detections[0].mask = label.detections[0].mask[:12, :12]
        label.detections[0].bounding_box[2:] = [0.05, 0.05]
    coins.set_values("few", few, key_field="id")
    plan = Plan(**{**COINS, "strategies": (NAME,)}, references="reference")
    assert read_references(coins, plan)[1].doubt is None
    doubt = read_references(coins, replace(plan, reference_field="few"))[1].doubt
    assert re.match(r"The reference pictures show little of 'coin' \(about \d\): .* fewer than 20 patches", doubt)
    asked = {"strategies": [NAME], "classes": "coin", "references": "reference", "models": "bundled"}
    assert "doubt" not in form("apply_strategies", coins, {**asked, "reference_field": "ground_truth"})
    shown = form("apply_strategies", coins, {**asked, "reference_field": "few"})
    assert shown["doubt"]["view"]["label"] == doubt and "problem" not in shown


def test_a_sweep_leaves_the_references_out(coins, nano):
    plan = Plan(strategies=(NAME, "reference:box"), classes=("coin",), references="reference",
                reference_field="ground_truth", **nano)  # fmt: skip
    with pytest.raises(
        PromptingError, match="at least 5 pictures with a label in 'ground_truth' that are no references"
    ):
        list(sweep(coins, SweepPlan(plan, "ground_truth")))


def test_tagging_says_what_it_does_and_refuses_what_has_no_masks(coins):
    use = foo.get_operator("@promptlab/sam2-prompting/use_as_references")
    more = use(coins[2:3], "ground_truth", progress=False)
    others = "2 more have the tag, and are references too."
    assert str(more) == f"1 labelled picture of coin is tagged 'reference'. {others}"
    only = use(coins[3:4], "ground_truth", only=True, progress=False)
    assert only.untagged == 3 and coins.match_tags("reference").values("id") == coins[3:4].values("id")
    first = coins.first()
    first["ground_truth"] = None
    first.tags.append("reference")
    first.save()
    with pytest.raises(ValueError, match=r"1 of 3 reference pictures have no label .* which only=True takes away"):
        use(coins[4:5], "ground_truth", progress=False)
    crowds = {one.id: one.ground_truth.copy() for one in coins[4:5]}
    for detection in crowds[coins[4:5].first().id].detections:
        detection["iscrowd"] = 1
    coins.set_values("crowds", crowds, key_field="id")
    with pytest.raises(ValueError, match="None of these pictures has a mask in 'crowds'"):
        use(coins[4:5], "crowds", tag="other", progress=False)
    assert coins.count_sample_tags() == {"reference": 2}
    shown = use(coins[4:5].limit_labels("ground_truth", 1), "ground_truth", tag="other", progress=False)
    assert "All that they have in 'ground_truth' teaches, also what this view hides." in str(shown)
    for tag in ("", "a, b"):
        with pytest.raises(ValueError, match="tag"):
            use(coins, "ground_truth", tag=tag, progress=False)
    with pytest.raises(ValueError, match="no label field 'filepath'"):
        use(coins, "filepath", progress=False)
