"""An annotation backend without a server: annotators at this desk do what a test says, by FiftyOne's own interface."""

import fiftyone.utils.annotations as foua

DESK: dict[str, dict[str, dict]] = {}
"""Annotation key -> sample id -> instance id -> Detection, as the annotators have them."""


class DeskBackendConfig(foua.AnnotationBackendConfig):
    def __init__(self, name, label_schema, media_field="filepath", **kwargs):
        super().__init__(name, label_schema, media_field=media_field, **kwargs)


class DeskBackend(foua.AnnotationBackend):
    supported_media_types = ["image"]
    supported_label_types = ["instances"]
    supported_attr_types = ["text"]

    def upload_annotations(self, samples, anno_key, launch_editor=False):
        (field,) = self.config.label_schema
        there = {sample.id: {one.id: one.copy() for one in sample[field].detections} for sample in samples}
        DESK[anno_key] = there
        ids = {field: {sample_id: list(labels) for sample_id, labels in there.items()}}
        return DeskResults(samples, self.config, anno_key, ids, backend=self)

    def download_annotations(self, results):
        (field,) = self.config.label_schema
        return {field: {"detections": DESK[results.key]}}


class DeskResults(foua.AnnotationResults):
    def cleanup(self):
        DESK.pop(self.key, None)

    @classmethod
    def _from_dict(cls, d, samples, config, anno_key):
        return cls(samples, config, anno_key, d["id_map"])
