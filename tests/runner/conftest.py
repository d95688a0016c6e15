"""Three pictures, one of them with nobody, and who looks at them."""

import fiftyone as fo
import pytest
import skimage.io

from prompting.models import catalogue
from prompting.priors.base import Picture
from prompting.priors.clip import ClipPrior, ClipSettings
from prompting.priors.fields import FieldPrior
from prompting.priors.yolo import YoloPrior
from prompting.prompts.strategies import UNTAUGHT, strategies_named
from prompting.runner import Runner
from tests.runner.people import ASTRONAUT, BUS, by_name, people


@pytest.fixture(scope="session")
def pictures(photographs) -> dict[str, Picture]:
    labels = {"bus.jpg": people(*BUS), "astronaut.png": people(ASTRONAUT), "coffee.png": fo.Detections()}
    return {name: Picture(name, name, skimage.io.imread(photographs / name), label) for name, label in labels.items()}


@pytest.fixture(scope="session")
def priors() -> dict:
    return {
        "clip": ClipPrior(*catalogue.load_clip("nano", "cpu"), ["person"], ClipSettings(scales=(1.0,))),
        "yolo": YoloPrior(catalogue.load_yolo("nano"), ["person"]),
        "field": FieldPrior(["person"]),
    }


@pytest.fixture(scope="session")
def make_runner(nano_segmenter, priors):
    def make(names=tuple(UNTAUGHT), classes=("person",), replaced=None, **settings) -> Runner:
        return Runner(nano_segmenter, {**priors, **(replaced or {})}, strategies_named(names), classes, **settings)

    return make


@pytest.fixture(scope="session")
def everything(make_runner, pictures) -> dict[str, dict]:
    """Every strategy on every picture: picture -> strategy -> result."""
    return by_name(make_runner().run(pictures.values(), batch_size=1))
