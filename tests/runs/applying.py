"""Applying strategies to the demo's photographs, and all that there is in a dataset afterwards."""

import asyncio
import sys
from contextlib import contextmanager

import numpy as np
import pytest
from fiftyone import ViewField as F
from fiftyone.operators.executor import execute_or_delegate_operator

from prompting.dataset.names import StrategyFields
from prompting.errors import PromptingError
from prompting.plan import Plan
from prompting.runs.application import apply
from prompting.segmentation.precision import PRECISIONS, resolve_precision

APPLY = "@promptlab/sam2-prompting/apply_strategies"
PEOPLE, NOBODY = ("bus.jpg", "zidane.jpg", "astronaut.png", "camera.png"), ("chelsea.png", "coffee.png")
PRECISION = resolve_precision("auto", "cpu")
OTHER_PRECISION = next(name for name in PRECISIONS if name != PRECISION)
QUICK = {"strategies": ("field_box",), "prompt_field": "ground_truth"}  # needs neither CLIP nor YOLO


def run(samples, **params) -> list:
    """Apply with the bundled models; every Progress."""
    models = {"sam2_model": "nano", "clip_model": "nano", "yolo_model": "nano", "device": "cpu"}
    return list(apply(samples, Plan(**{**models, **params})))


def named(samples, *names: str):
    """The samples of these files."""
    return samples.match(F.any([F("filepath").ends_with(name) for name in names]))


def mask(sample, strategy: str, prefix: str = "sam2") -> np.ndarray:
    return sample[StrategyFields.of(prefix, strategy).mask].get_mask()


def masks(samples, strategy: str) -> dict[str, bytes]:
    return {sample.filename: mask(sample, strategy).tobytes() for sample in samples}


def content(samples) -> list[dict]:
    """All that is stored in samples, but for fields that hold nothing and the time of the last change; as the database
    has it, for FiftyOne's samples decode each mask and encode it again."""
    return [
        {name: value for name, value in document.items() if value is not None and name != "last_modified_at"}
        for document in samples._aggregate()
    ]


def state(dataset) -> tuple:
    return sorted(dataset.get_field_schema()), dataset.list_runs(), dict(dataset.mask_targets), content(dataset)


@contextmanager
def counted(module: str = "prompting.models.catalogue"):
    """A list that grows by the number of pictures whenever the image encoder runs."""
    encoder, sizes = sys.modules[module].load_sam2("nano", "cpu").model.image_encoder.trunk, []
    hook = encoder.register_forward_pre_hook(lambda _, inputs: sizes.append(len(inputs[0])))
    yield sizes
    hook.remove()


def immediately(dataset, view=None, **params):
    """Execute as the App does."""
    nano = {"sam2_model": "nano", "clip_model": "nano", "yolo_model": "nano", "device": "cpu"}
    request = {"dataset_name": dataset.name}
    if "selected" in params:
        request["selected"] = params.pop("selected")
    if view is not None:
        request["view"] = view._serialize()
    params = {"classes": "person", "existing": "error", **nano, **params, "strategies": list(params["strategies"])}
    request["params"] = params
    result = asyncio.run(execute_or_delegate_operator(APPLY, request, exhaust=True))
    assert result.error is None, result.error
    return result


def refuses(samples, words: str, **params) -> None:
    """The request is refused in one sentence with these words, and the dataset is as it was."""
    dataset = samples._dataset
    before = state(dataset)
    with pytest.raises(PromptingError) as refusal:
        run(samples, **params)
    message = str(refusal.value)
    assert words in message
    assert message[-1] in ".…" and "\n" not in message and ". " not in message
    dataset.reload()
    assert state(dataset) == before
