"""Pictures as cameras, scanners and accidents make them: each gets its mask, or a sentence in its status field."""

import shutil
from threading import Event, Thread

import cv2
import numpy as np
import psutil
import pytest
from PIL import ExifTags, Image

from prompting.pixels import images
from prompting.pixels.masks import intersection_over_union
from prompting.plan import Plan
from prompting.runs.application import apply
from prompting.runs.evaluation import evaluate
from prompting.runs.explanation import explain

QUICK = ("field_box", "yolo_box")
MIXED = ("field_box", "yolo_box", "clip_box")  # nothing random, for the file's name is part of the seed


def iou(a: np.ndarray, b: np.ndarray) -> float:
    return intersection_over_union(a > 0, b > 0)


# colours and depths


def palette(picture, path):
    Image.fromarray(picture).convert("P", palette=Image.Palette.ADAPTIVE).save(path)


def palette_with_a_hole(picture, path):
    Image.fromarray(picture).convert("P", palette=Image.Palette.ADAPTIVE).save(path, transparency=3)


def transparent(picture, path):
    Image.fromarray(np.dstack([picture, np.full(picture.shape[:2], 128, np.uint8)])).save(path)


def cmyk(picture, path):
    Image.fromarray(picture).convert("CMYK").save(path, quality=95)


def deep_colour(picture, path):
    cv2.imwrite(str(path), picture[..., ::-1].astype(np.uint16) * 257)


def animated(picture, path):
    frames = [Image.fromarray(picture), Image.new("RGB", picture.shape[1::-1], "red")]
    frames[0].save(path, save_all=True, append_images=frames[1:], duration=100)


@pytest.mark.parametrize(
    ("write", "name"),
    [
        (palette, "a.png"), (palette_with_a_hole, "a.png"), (transparent, "a.png"), (cmyk, "a.jpg"),
        (deep_colour, "a.png"), (deep_colour, "a.tiff"), (animated, "a.gif"), (animated, "a.webp"), (animated, "a.png"),
    ],
)  # fmt: skip
def test_picture_of_any_kind_has_nearly_the_mask_of_the_plain_one(
    astronaut, dataset_of, run, mask_of, tmp_path, write, name
):
    Image.fromarray(astronaut).save(tmp_path / "plain.png")
    write(astronaut, tmp_path / name)
    dataset = dataset_of(tmp_path / "plain.png", tmp_path / name)
    assert run(dataset).failed == 0
    plain, other = map(mask_of, dataset)
    assert plain.any() and iou(plain, other) > 0.9


@pytest.mark.parametrize("name", ["deep.png", "deep.tiff"])
def test_sixteen_bits_have_the_mask_of_eight(astronaut, dataset_of, run, mask_of, tmp_path, name):
    grey = cv2.cvtColor(astronaut, cv2.COLOR_RGB2GRAY)
    cv2.imwrite(str(tmp_path / "plain.png"), grey)
    cv2.imwrite(str(tmp_path / name), grey.astype(np.uint16) * 257)
    dataset = dataset_of(tmp_path / "plain.png", tmp_path / name)
    assert run(dataset, *QUICK).failed == 0
    for strategy in QUICK:
        plain, deep = (mask_of(sample, strategy) for sample in dataset)
        assert plain.any() and np.array_equal(plain, deep)


# turned pictures

TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}


def turned(picture: np.ndarray, orientation: int, path) -> None:
    """A file that shows the picture once its EXIF orientation is applied."""
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    Image.fromarray(picture).transpose(TURNS[orientation]).save(path, exif=exif)


def test_turned_picture_has_the_mask_and_the_prompts_of_the_upright_one(astronaut, dataset_of, run, mask_of, tmp_path):
    Image.fromarray(astronaut).save(tmp_path / "1.png")
    for orientation in (5, 6):
        turned(astronaut, orientation, tmp_path / f"{orientation}.png")
    dataset = dataset_of(*(tmp_path / f"{i}.png" for i in (1, 5, 6)))
    assert run(dataset, *MIXED).failed == 0
    first, *others = dataset
    for strategy in MIXED:
        masks = [mask_of(sample, strategy) for sample in others]
        assert all(np.array_equal(mask_of(first, strategy), mask) for mask in masks)
        boxes = dataset.values(f"sam2_{strategy}_prompt_boxes.detections.bounding_box")
        assert all(box == boxes[0] for box in boxes)


def test_mask_has_the_shape_in_which_the_app_shows_the_picture(astronaut, dataset_of, run, mask_of, tmp_path):
    for orientation in TURNS:
        turned(astronaut, orientation, tmp_path / f"{orientation}.jpg")
    dataset = dataset_of(*(tmp_path / f"{i}.jpg" for i in TURNS))
    run(dataset)
    dataset.compute_metadata()
    for sample in dataset:
        assert mask_of(sample).shape == (sample.metadata.height, sample.metadata.width) == astronaut.shape[:2]


# sizes


@pytest.mark.parametrize(("width", "height"), [(1, 1), (1, 5000), (5000, 1)])
def test_tiny_and_thin_pictures_get_masks_of_their_size(dataset_of, run, mask_of, tmp_path, width, height):
    Image.new("RGB", (width, height), "gray").save(tmp_path / "small.png")
    dataset = dataset_of(tmp_path / "small.png", box=[0, 0, 1, 1])
    strategies = (*QUICK, "clip_iterative", "field_point", "field_points")
    assert run(dataset, *strategies).failed == 0
    for strategy in strategies:
        assert mask_of(dataset.first(), strategy).shape == (height, width)


class Peak:
    """How much this process's memory grows at most, in bytes, while something runs."""

    def __enter__(self):
        self._start, self._stop, self._most = psutil.Process().memory_info().rss, Event(), 0
        self._thread = Thread(target=self._watch, daemon=True)
        self._thread.start()
        return self

    def _watch(self):
        while not self._stop.wait(0.02):
            self._most = max(self._most, psutil.Process().memory_info().rss)

    def __exit__(self, *_):
        self._stop.set()
        self._thread.join()

    @property
    def grown(self) -> int:
        return self._most - self._start


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
def test_a_hundred_million_pixels_take_bounded_memory(dataset_of, run, mask_of, tmp_path):
    Image.new("L", (12_000, 9_000), 90).save(tmp_path / "large.jpg")
    dataset = dataset_of(tmp_path / "large.jpg")
    with Peak() as memory:
        assert run(dataset).failed == 0
    assert mask_of(dataset.first()).shape == (9_000, 12_000)
    assert memory.grown < 3e9


def test_large_picture_is_explained_at_the_size_at_which_it_was_segmented(astronaut, dataset_of, tmp_path, monkeypatch):
    monkeypatch.setattr(images, "MAX_PIXELS", 120 * 160)
    Image.fromarray(astronaut).save(tmp_path / "large.png")
    dataset = dataset_of(tmp_path / "large.png")
    plan = Plan(strategies=QUICK, prompt_field="truth", sam2_model="nano", yolo_model="nano", device="cpu")
    assert list(apply(dataset, plan))[-1].failed == 0
    comparison = evaluate(dataset, "truth")
    explanation = list(explain(dataset, device="cpu"))[-1]
    assert (explanation.images, explanation.failed) == (1, 0)
    sample = dataset.first()
    assert sample.sam2_truth.get_mask().shape == (240, 320)
    for row in comparison.rows:
        assert sum(explanation.parts[row.strategy].values()) == pytest.approx(1 - row.mean_iou, abs=0.02)


def test_picture_that_is_too_large_to_open_says_so(dataset_of, run, tmp_path):
    Image.new("1", (20_000, 20_000)).save(tmp_path / "bomb.png")
    dataset = dataset_of(tmp_path / "bomb.png")
    assert run(dataset).failed == 1
    assert "it has more than" in dataset.first().sam2_field_box_status


# files that are no pictures


def cut(picture, path):
    Image.fromarray(picture).save(path)
    path.write_bytes(path.read_bytes()[:2000])


def empty(picture, path):
    path.write_bytes(b"")


def text(picture, path):
    path.write_text("not a picture\n" * 100)


def missing(picture, path):
    path.unlink(missing_ok=True)


def folder(picture, path):
    path.mkdir()


def numbers(picture, path):
    Image.fromarray(picture[..., 0].astype(np.float32)).save(path)


BAD = {
    cut: "truncated", empty: "empty or of no known format", text: "empty or of no known format",
    missing: "there is no such file", folder: "it is a folder", numbers: "numbers of 32 bits",
}  # fmt: skip


@pytest.fixture
def mixed(astronaut, dataset_of, tmp_path):
    """Bad files of all kinds between two good ones."""
    paths = [tmp_path / f"{write.__name__}{'.tiff' if write is numbers else '.jpg'}" for write in BAD]
    for write, path in zip(BAD, paths):
        write(astronaut, path)
    for name in ("first.png", "last.png"):
        Image.fromarray(astronaut).save(tmp_path / name)
    return dataset_of(tmp_path / "first.png", *paths, tmp_path / "last.png")


@pytest.mark.parametrize(("strategies", "batch_size"), [(("field_box",), 1), (MIXED, 4)])
def test_bad_files_say_why_the_others_are_done_and_the_failures_are_counted(
    mixed, run, mask_of, capsys, strategies, batch_size
):
    progress = run(mixed, *strategies, batch_size=batch_size)
    assert (progress.done, progress.total, progress.failed) == (8, 8, 6)
    assert f"{len(BAD)} of 8 samples failed; their status fields say why." in capsys.readouterr().out
    for strategy in strategies:
        first, *bad, last = mixed.values(f"sam2_{strategy}_status")
        assert first == last == "ok"
        for status, words, path in zip(bad, BAD.values(), mixed[1:-1].values("filepath"), strict=True):
            assert status.startswith("error: the picture can't be read: ") and words in status and path in status
            assert "\n" not in status and "Error" not in status
    assert mask_of(mixed.first()).any()
    assert len(mixed.exists("sam2_field_box")) == 2


def test_evaluation_leaves_bad_files_out_and_agreement_and_explanation_go_on(mixed, run, evaluate_strategies, mask_of):
    import fiftyone.operators as foo

    run(mixed, "field_box", "yolo_box", "clip_box")
    with pytest.warns(UserWarning, match=f"{len(BAD)} samples failed in every strategy and are left out"):
        comparison = evaluate_strategies(mixed, "truth", progress=False)
    assert {row.images for row in comparison.rows} == {2}
    explanation = foo.get_operator("@promptlab/sam2-prompting/explain_strategies")(mixed, progress=False, device="cpu")
    assert (explanation.images, explanation.failed) == (2, 0)
    foo.get_operator("@promptlab/sam2-prompting/measure_agreement")(mixed, progress=False)
    agreement = mixed.values("sam2_agreement")
    assert agreement[0] == agreement[-1] is not None and not any(agreement[1:-1])


def test_a_file_of_no_known_format_makes_ultralytics_install_nothing(astronaut, dataset_of, run, tmp_path, monkeypatch):
    import ultralytics.utils.checks

    wanted = []
    monkeypatch.setattr(ultralytics.utils.checks, "check_requirements", wanted.append)
    text(astronaut, tmp_path / "text.jpg")
    assert run(dataset_of(tmp_path / "text.jpg"), "yolo_box").failed == 1
    assert not wanted


# where they are

NAMES = ("with spaces.png", "größe 人物 🙂.png", "100%25 #1?.png", 'quote\'s "two".png', ".hidden.png", "ΑΣ.PNG")


def test_files_of_any_name_are_read(astronaut, dataset_of, run, mask_of, tmp_path):
    place = tmp_path / "a folder, 50% é"
    place.mkdir()
    for name in NAMES:
        Image.fromarray(astronaut).save(place / name, format="png")
    dataset = dataset_of(*(place / name for name in NAMES))
    assert run(dataset).failed == 0
    first, *others = map(mask_of, dataset)
    assert first.any() and all(np.array_equal(first, mask) for mask in others)


def test_picture_behind_a_link_or_without_a_suffix_is_read(astronaut, dataset_of, run, mask_of, tmp_path):
    Image.fromarray(astronaut).save(tmp_path / "there.png")
    (tmp_path / "link.png").symlink_to(tmp_path / "there.png")
    shutil.copy(tmp_path / "there.png", tmp_path / "wrong.jpg")
    dataset = dataset_of(tmp_path / "link.png", tmp_path / "wrong.jpg")
    assert run(dataset).failed == 0
    assert all(mask_of(sample).any() for sample in dataset)
