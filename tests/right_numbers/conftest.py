"""What issues of other people's data have in common: a picture, its true mask, and datasets of one label."""

from __future__ import annotations

import shutil
import uuid
from pathlib import Path

import fiftyone as fo
import fiftyone.operators as foo
import numpy as np
import pytest
from PIL import Image

from prompting.models import catalogue
from prompting.models.checkpoints import YOLO_DETECT, checkpoint
from prompting.trust import CHECKPOINTS
from tests.copies import copy_of


@pytest.fixture(scope="session")
def picture(photographs, tmp_path_factory) -> Path:
    """A photograph of one person, 320 x 320."""
    path = tmp_path_factory.mktemp("right-numbers") / "astronaut.png"
    Image.open(photographs / "astronaut.png").convert("RGB").resize((320, 320)).save(path)
    return path


@pytest.fixture(scope="session")
def person(picture, apply_strategies, nano) -> np.ndarray:
    """What ``yolo_box`` makes of it, (320, 320) bool: a truth equal to it scores 1."""
    dataset = fo.Dataset()
    dataset.add_sample(fo.Sample(str(picture)))
    apply_strategies(dataset, strategies=["yolo_box"], progress=False, **nano)
    mask = dataset.first().sam2_yolo_box.get_mask().astype(bool)
    dataset.delete()
    return mask


@pytest.fixture
def of(picture):
    """A function that makes a dataset with one sample for each label, in its field ``gt``."""
    made = []

    def build(*labels: fo.Label, path=picture, targets=None) -> fo.Dataset:
        dataset = fo.Dataset(f"numbers-{uuid.uuid4().hex[:8]}")
        made.append(dataset)
        dataset.add_samples([fo.Sample(str(path), gt=label) for label in labels])
        if targets:
            dataset.mask_targets["gt"] = targets
            dataset.save()
        return dataset

    yield build
    for dataset in made:
        dataset.delete()


@pytest.fixture
def scored(apply_strategies, evaluate_strategies, nano, person):
    """A function that scores ``person`` as ``yolo_box`` against the field ``gt``: each image's IoU.

    The masks are written as an apply would: no model runs for a question about labels.
    """

    def score(samples, classes=("person",), **params) -> list[float]:
        write(samples, person, classes)
        evaluate_strategies(samples, "gt", progress=False, **params)
        return samples.values("sam2_eval_yolo_box_iou")

    return score


def write(samples, mask: np.ndarray, classes=("person",)) -> None:
    """A strategy's results, the same mask on each picture."""
    from prompting.dataset import records
    from prompting.pixels.masks import Window
    from prompting.plan import Plan
    from prompting.results import OK, StrategyResult
    from prompting.segmentation.prompt import Prompt
    from tests.storing import declare
    from tests.storing import write as write_result

    dataset = samples._dataset
    plan = Plan(strategies=("yolo_box",), classes=classes, sam2_model="nano", yolo_model="nano")
    declare(dataset, plan)
    records.register(dataset, plan, "yolo_box")
    for sample in dataset:
        prompts = (Prompt(classes[0], box=Window.of(mask).box),)
        result = StrategyResult("yolo_box", mask.astype(np.uint8), prompts, np.ones(1), OK, 0.1, 1, mask[None])
        write_result(sample, result, plan)


@pytest.fixture
def prompted(apply_strategies, nano):
    """A function that applies ``field_box`` (or another) with the prompts in ``gt``: its statuses."""

    def apply(samples, strategy="field_box", classes=("person",)) -> list[str]:
        apply_strategies(samples, strategies=[strategy], prompt_field="gt", classes=classes, progress=False, **nano)
        return samples.values(f"sam2_{strategy}_status")

    return apply


@pytest.fixture
def inspect():
    """What a truth is understood as, in one line."""
    evaluate = foo.get_operator("@promptlab/sam2-prompting/evaluate_strategies")
    return lambda samples, classes=("person",), **settings: str(evaluate.inspect(samples, "gt", classes, **settings))


@pytest.fixture
def refused():
    """A function that calls what is refused and gives the one sentence."""

    def call(function, *args, **kwargs) -> str:
        with pytest.raises(ValueError) as error:
            function(*args, **kwargs)
        assert type(error.value).__name__ == "PromptingError", repr(error.value)
        assert "\n" not in str(error.value)
        return str(error.value)

    return call


@pytest.fixture
def own_models(tmp_path, monkeypatch) -> Path:
    """A folder that the administrator allows detectors to be loaded from."""
    folder = tmp_path / "models"
    folder.mkdir()
    monkeypatch.setenv(CHECKPOINTS, str(folder))
    return folder


@pytest.fixture
def own_yolo(own_models) -> Path:
    """A detector of one's own: the bundled one under another name."""
    return Path(shutil.copy(checkpoint(YOLO_DETECT), own_models / "mine.pt"))


@pytest.fixture
def no_models():
    """Nothing loaded, before and after."""
    loaders = (catalogue.load_sam2, catalogue.load_clip, catalogue.load_yolo)
    for loader in loaders:
        loader.cache_clear()
    yield
    for loader in loaders:
        loader.cache_clear()


@pytest.fixture
def applied(applied_once):
    """Two strategies' results on the demo's photographs, to be changed."""
    dataset = copy_of(applied_once, f"right-{uuid.uuid4().hex[:8]}")
    yield dataset
    dataset.delete()
