"""A few labelled pictures show what to look for: things that no detector knows are found in the others."""

import uuid

import fiftyone as fo
import fiftyone.operators as foo
import numpy as np
import pytest
from PIL import Image

from demo.things import THINGS, make_things
from prompting.dataset.judgements import load_comparison
from prompting.errors import PromptingError
from prompting.plan import Plan
from prompting.runs.sweep import SweepPlan, sweep

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
    dataset = coins_once.clone(f"found-{uuid.uuid4().hex[:8]}")
    apply_strategies(
        dataset, **{**COINS, "strategies": [NAME, "clip_box_points"]}, references="reference", progress=False, **nano
    )
    yield dataset
    dataset.delete()


@pytest.fixture
def coins(coins_once):
    dataset = coins_once.clone()
    yield dataset
    dataset.delete()


@pytest.fixture
def found(found_once):
    dataset = found_once.clone()
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
    assert len(record.references_sha256) == 64 and record.asked["references"] == "reference"
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


def test_the_same_references_make_the_same_masks_to_the_byte(found, apply_strategies, nano):
    ids, before = found.match_tags("reference").values("id"), found.values(f"sam2_{NAME}.mask")
    again = {**COINS, "references": ids[::-1], "existing": "overwrite"}
    apply_strategies(found[2:4], **again, progress=False, **nano)
    assert all(np.array_equal(one, other) for one, other in zip(before, found.values(f"sam2_{NAME}.mask"), strict=True))


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"references": "nobody"}, "No sample of the dataset has the tag 'nobody'"),
        ({"references": ["0" * 24]}, "The reference picture 0{24} isn't in the dataset"),
        ({"reference_field": "nowhere"}, "There is no label field 'nowhere'"),
        ({"reference_field": "tags"}, "no label field 'tags'"),
        ({"classes": ["coin", "note"]}, "No reference picture has a mask of 'note' in 'ground_truth'"),
        ({"references": None}, "need references: a tag, a view, or ids"),
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
    done = apply_strategies(coins[2:3], **asked, references="reference", progress=False, **nano)
    assert (done.done, done.failed) == (1, 0)
    assert 1 in coins[2:3].first()[f"sam2_{NAME}"].get_mask()


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
    for tag in ("", "a, b"):
        with pytest.raises(ValueError, match="tag"):
            use(coins, "ground_truth", tag=tag, progress=False)
    with pytest.raises(ValueError, match="no label field 'filepath'"):
        use(coins, "filepath", progress=False)
