"""What the processes of runs.py are forked from: torch, the bundled models, what they answer to the demo's photographs
(see tests/remembered.py), and what FiftyOne imports, loaded once.

FiftyOne itself looks for its database when it is imported, and each process has its own.
"""

import importlib
import os
import sys
import tempfile
from pathlib import Path

from tests.remembered import Remembering

IMPORTED_BY_FIFTYONE = (
    *("jinja2", "matplotlib", "mongoengine", "motor.motor_asyncio", "plotly.express", "pydash", "requests"),
    *("scipy.spatial.transform", "sklearn.linear_model", "sse_starlette", "strawberry"),
)


def one_thread() -> None:
    """Equal bytes take an equal number of threads, and forking takes no other one."""
    os.environ["OMP_NUM_THREADS"] = "1"
    import cv2
    import torch

    torch.set_num_threads(1)
    cv2.setNumThreads(0)


def show_the_photographs() -> None:
    """As a run of yolo_box shows them to SAM 2 and to the detector."""
    from demo.photographs import write_photographs
    from prompting.pixels.images import read_bounded
    from prompting.plan import Plan
    from prompting.priors.base import Picture
    from prompting.runs.assembly import build_runner, resolved

    plan = Plan(strategies=("yolo_box",), sam2_model="nano", yolo_model="nano", device="cpu")
    with tempfile.TemporaryDirectory() as folder:
        write_photographs(Path(folder))
        read = {path.name: read_bounded(path) for path in sorted(Path(folder).iterdir())}
    pictures = [Picture(name, name, image, size=size) for name, (image, size) in read.items()]
    list(build_runner(resolved(plan)).run(pictures))


sys.meta_path.insert(0, Remembering())
one_thread()
show_the_photographs()
for _name in IMPORTED_BY_FIFTYONE:
    importlib.import_module(_name)
