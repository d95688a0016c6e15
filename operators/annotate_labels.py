"""``annotate_labels``: what a review sent to annotation goes to a backend of FiftyOne's, and comes back."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

import fiftyone.operators as foo
import fiftyone.operators.types as types

from ..prompting.dataset.names import SENT
from . import forms
from .base import Described
from .panel.open_panels import redraw_open_panels
from .review_labels import NAME, ask_labels, asked_labels

SEND, FETCH = "send", "fetch"


class AnnotateLabels(Described):
    """Upload the pictures that a review tagged, with their instances, and load what annotators made of them."""

    about = dict(
        name="annotate_labels",
        label="SAM 2: send labels to annotation, and fetch them",
        description="Send the pictures that a review tagged to FiftyOne's annotation backend, or load what came back",
        icon="edit_note",
    )

    @property
    def config(self) -> foo.OperatorConfig:
        return foo.OperatorConfig(**self.about, dynamic=True)

    def resolve_input(self, ctx) -> types.Property:
        from ..prompting.runs.annotating import HOW, backends, runs_of, to_send

        inputs = types.Object()
        form = types.Property(inputs, view=types.View(label="Annotate labels"))
        name = ask_labels(ctx, inputs)
        if name is None:
            return form
        waiting, runs, able = len(to_send(ctx.dataset, name)), runs_of(ctx.dataset, name), backends()
        ways = {
            SEND: ("Send", f"{waiting} picture{'s' * (waiting != 1)} with the tag “{SENT}”, in no annotation run yet"),
            FETCH: ("Fetch", f"{len(runs)} annotation run{'s' * (len(runs) != 1)} of these labels"),
        }
        begins = SEND if waiting or not runs else FETCH
        forms.choose_by_button(inputs, "way", ways, begins)
        if (ctx.params.get("way") or begins) == FETCH:
            if runs:
                forms.choose_one(inputs, "run", dict.fromkeys(runs, ""), runs[-1], "Annotation run")
            else:
                forms.show_problem(inputs, "None of these labels was sent to annotation yet.")
        elif not waiting:
            forms.show_problem(
                inputs, f"No other picture has the tag “{SENT}”: send some to annotation in a review first."
            )
        elif not able:
            forms.show_problem(inputs, f"FiftyOne knows no annotation backend with a key or a user: {HOW}")
        else:
            forms.choose_one(inputs, "backend", dict.fromkeys(able, ""), able[0], "Backend")
            inputs.str("anno_key", default=_key(ctx.dataset, name), required=True, label="Annotation key")
        return form

    def execute(self, ctx) -> None:
        from ..prompting.runs.annotating import fetch, runs_of, send, to_send

        name = asked_labels(ctx)
        waiting, runs = len(to_send(ctx.dataset, name)), runs_of(ctx.dataset, name)
        if (ctx.params.get("way") or (SEND if waiting or not runs else FETCH)) == SEND:
            key = ctx.params.get("anno_key") or _key(ctx.dataset, name)
            send(ctx.dataset, name, key, ctx.params.get("backend"))
            told = f"{waiting} {'picture was' if waiting == 1 else 'pictures were'} sent to annotation as {key}."
        else:
            told = str(fetch(ctx.dataset, name, ctx.params.get("run") or (runs or [""])[-1]))
            ctx.trigger("reload_dataset")
        ctx.ops.notify(told, variant="success")
        list(redraw_open_panels(ctx))  # each is told as it is asked for

    def __call__(
        self,
        sample_collection,
        name: str = NAME,
        anno_key: str = "",
        backend: str | None = None,
        tag: str = SENT,
        settings: Mapping | None = None,
    ):
        """Send what a review tagged to annotation, from Python: FiftyOne's ``annotate``, the instances as they are.

        ``annotate_labels.fetch(dataset, "labels", anno_key)`` loads what came back, paints the masks anew and takes the
        tag away; ``review.undo()`` takes each of those changes back.

        Args:
            sample_collection: a dataset or view
            name: of the labels
            anno_key: what FiftyOne is to call the annotation run; by default the labels' name and the date
            backend: one that FiftyOne is told of; by default its default
            tag: of the samples that are sent
            settings: more keywords of FiftyOne's ``annotate`` and the backend

        Returns:
            FiftyOne's ``AnnotationResults``

        Raises:
            ValueError: what was wrong with the request, before anything is sent
        """
        from ..prompting.runs.annotating import send

        return send(sample_collection, name, anno_key or _key(sample_collection, name), backend, tag, settings)

    def fetch(self, dataset, name: str = NAME, anno_key: str = "", tag: str = SENT, settings: Mapping | None = None):
        """Load what annotators made of labels that were sent; see :meth:`__call__`.

        Args:
            dataset: the dataset
            name: of the labels
            anno_key: of the annotation run; by default the last one of these labels
            tag: of the samples that were sent
            settings: more keywords of FiftyOne's ``load_annotations``

        Returns:
            the ids of the samples whose labels were edited, and accepted; ``print`` it

        Raises:
            ValueError: there are no such labels, or no such run
        """
        from ..prompting.runs.annotating import fetch, runs_of

        runs = runs_of(dataset, name) if isinstance(name, str) and hasattr(dataset, "list_annotation_runs") else []
        return fetch(dataset, name, anno_key or (runs or ["none"])[-1], tag, settings)


def _key(samples, name: str) -> str:
    """The labels' name and the date; of several on one day the others with a number."""
    key = f"{name}_{date.today():%Y_%m_%d}"
    taken = samples.list_annotation_runs() if hasattr(samples, "list_annotation_runs") else ()
    return next(one for one in (key, *(f"{key}_{i}" for i in range(2, len(taken) + 3))) if one not in taken)
