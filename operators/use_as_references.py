"""``use_as_references``: a few labelled pictures show strategies what to look for."""

from __future__ import annotations

import fiftyone.operators.types as types

from ..prompting.spelling import names_text
from . import forms
from .base import RunOperator
from .following import follow, tell_steps
from .words import LABELS

TAG = "reference"


class UseAsReferences(RunOperator):
    """Tag labelled pictures as references, and go on to find more of what they show."""

    about = dict(
        name="use_as_references",
        label="SAM 2: use as references",
        description="Find more of what a few labelled pictures show: tag them, then apply a reference strategy",
        icon="center_focus_strong",
    )

    def resolve_input(self, ctx) -> types.Property:
        from ..prompting.dataset.everywhere import all_samples
        from ..prompting.dataset.reading import GLANCE
        from ..prompting.dataset.references import label_fields_for
        from ..prompting.errors import PromptingError
        from ..prompting.runs.teaching import find_references

        inputs = types.Object()
        form = types.Property(inputs, view=types.View(label="Use as references"))
        inputs.view_target(ctx, action_description="Tag")
        there = {name: kind.__name__ for name, kind in label_fields_for(ctx.dataset).items()}
        if not there:
            forms.show_problem(inputs, "No field has masks: label a few pictures first, in the App or elsewhere.")
            return form
        forms.choose_one(inputs, "field", there, next(iter(there)), LABELS["reference_field"])
        inputs.str("tag", default=TAG, required=True, label=LABELS["tag"])
        given = {"field": next(iter(there)), **forms.chosen(ctx.params, ("field", "tag", "only"))}
        tag = given.get("tag", TAG)
        if all_samples(ctx.dataset).match_tags(tag).count():
            inputs.bool("only", default=False, label=LABELS["only"])
        try:
            found = find_references(ctx.target_view(require_flat=True), **given, most=GLANCE)
            notice = types.Warning if found.whole else types.Notice
            inputs.view("found", notice(label=found.told(done=False)))
        except PromptingError as error:
            forms.show_error(inputs, error, {"reference_field": "field"})
        return form

    def _steps(self, ctx):
        from ..prompting.runs.teaching import use_as_references

        given, ended = forms.chosen(ctx.params, ("field", "tag", "only", "prefix")), []
        yield from tell_steps(ctx, use_as_references(ctx.target_view(require_flat=True), **given), ended)
        if not ctx.delegated:
            yield ctx.trigger("reload_dataset")
            yield ctx.ops.clear_selected_samples()
            if (shown := ctx.request_params.get("active_fields")) is not None:
                yield ctx.ops.set_active_fields(list(dict.fromkeys([*shown, "tags"])))
            yield self._what_next(ctx, ended[-1])

    def _what_next(self, ctx, taught):
        """What is tagged, and a button that opens the form with all that is known filled in."""
        outputs = types.Object()
        outputs.md(str(taught), name="taught")
        params = {
            "strategies": ["reference_box_points"],
            "references": taught.tag,
            "reference_field": taught.field,
            "view_target": "CURRENT_VIEW" if ctx.has_custom_view else "DATASET",
        }
        params["classes"] = names_text(taught.classes)  # empty, and asked for, where nothing has a name
        uri = self.uri.replace("use_as_references", "apply_strategies")
        shown = {"label": "Find more of these", "icon": "search", "variant": "contained"}
        outputs.btn("apply", on_click=uri, prompt=True, params=params, **shown)
        return ctx.ops.show_output(types.Property(outputs).to_json(), {})

    def __call__(
        self,
        sample_collection,
        field: str,
        tag: str = TAG,
        only: bool = False,
        prefix: str = "sam2",
        progress: bool = True,
    ):
        """Tag references from Python; ``apply`` also takes a view or ids as ``references``, without a tag.

        Args:
            sample_collection: a dataset or view of labelled pictures
            field: with their masks, a Segmentation or Detections
            tag: that they get, for ``apply(..., references=tag)``
            only: take the tag from all other samples
            prefix: of the run's lock
            progress: show a progress bar

        Returns:
            which pictures are references now; ``print`` it

        Raises:
            ValueError: what was wrong with the request, before anything is tagged
        """
        from ..prompting.runs.teaching import use_as_references

        return follow(use_as_references(sample_collection, field, tag, only, prefix), progress)
