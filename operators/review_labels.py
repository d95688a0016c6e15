"""``review_labels``: finished labels, picture by picture, in the App and from Python."""

from __future__ import annotations

import fiftyone.operators as foo
import fiftyone.operators.types as types

from ..prompting.dataset.names import SENT
from . import forms
from .base import Described
from .reviewing.panel import go_on, open_beside

NAME = "labels"


class ReviewLabels(Described):
    """Open the picture whose label is expected to be worst, with the panel that decides on it beside."""

    about = dict(
        name="review_labels",
        label="SAM 2: review labels",
        description="Accept, replace or correct finished labels picture by picture, the worst expected first",
        icon="rate_review",
    )

    @property
    def config(self) -> foo.OperatorConfig:
        return foo.OperatorConfig(**self.about, dynamic=True)

    def resolve_input(self, ctx) -> types.Property:
        from ..prompting.errors import PromptingError
        from ..prompting.runs.review import Review

        inputs = types.Object()
        form = types.Property(inputs, view=types.View(label="Review labels"))
        name = ask_labels(ctx, inputs)
        if name is None:
            return form
        try:
            standing = Review(ctx.view, name).standing()
        except PromptingError as error:
            forms.show_error(inputs, error)
            return form
        inputs.view("standing", types.Notice(label=str(standing)))
        if not standing.left:
            forms.show_problem(inputs, "Nothing of the current view is left to review.")
        return form

    def execute(self, ctx) -> None:
        from ..prompting.runs.review import Review

        name = asked_labels(ctx)
        if ctx.params.get("beside"):
            go_on(ctx, name, ctx.params["beside"])
            return
        first = Review(ctx.view, name).after(None)
        if first:
            open_beside(ctx, first, name)

    def __call__(self, sample_collection, name: str = NAME, tag: str = SENT):
        """Review labels from Python: every decision is a method, and ``undo()`` takes the last one back.

        ``review.queue()`` are the ids of the samples that nobody decided on, the worst expected first; ``accept()``,
        ``take()`` (another strategy's masks), ``drop()`` (instances) and ``annotate()`` (send to annotation) decide.
        What was decided is in the dataset, in ``<name>_status`` and the tag.

        Args:
            sample_collection: a dataset or view
            name: of the labels
            tag: of pictures that are sent to annotation

        Returns:
            the review: ``print`` says how far it is

        Raises:
            ValueError: there are no such labels
        """
        from ..prompting.runs.review import Review

        return Review(sample_collection, name, tag)

    def outlines(self, sample_collection, name: str = NAME) -> str:
        """Write a polygon round each instance into ``<name>_outlines``, for exports that can't hold masks.

        Args:
            sample_collection: a dataset or view
            name: of the labels

        Returns:
            the field's name

        Raises:
            ValueError: there are no such labels
        """
        from ..prompting.runs.outlining import outline_labels

        return outline_labels(sample_collection, name)

    def export_coco(self, sample_collection, folder: str, name: str = NAME, **settings) -> None:
        """Export labels with FiftyOne's own COCO exporter, to the pixel: masks as run lengths and no crowds.

        ``dataset.export()`` alone writes polygons, which fill holes and eat at the smallest.

        Args:
            sample_collection: a dataset or view
            folder: to write to
            name: of the labels
            **settings: more keywords of FiftyOne's ``export``, such as ``export_media=False``

        Raises:
            ValueError: there are no such labels
        """
        from ..prompting.runs.run_lengths import export_coco

        export_coco(sample_collection, name, folder, **settings)


def asked_labels(ctx) -> str:
    """The name of the labels that a request is about, or that its form begins with."""
    from ..prompting.dataset.owned import labels_there

    there = labels_there(ctx.dataset)
    return ctx.params.get("name") or (NAME if NAME in there or not there else there[0])


def ask_labels(ctx, inputs: types.Object) -> str | None:
    """Ask which labels; None where there are none, which the form then says."""
    from ..prompting.dataset.owned import labels_there

    there = labels_there(ctx.dataset)
    if not there:
        forms.show_problem(inputs, "There are no labels yet: finish some first.")
        return None
    forms.choose_one(inputs, "name", dict.fromkeys(there, ""), NAME if NAME in there else there[0], "Labels")
    return asked_labels(ctx)
