"""What the processes of runs.py are forked from: torch, the bundled models, and what FiftyOne imports, loaded once.

FiftyOne itself looks for its database when it is imported, and each process has its own.
"""

import importlib
import os

os.environ["OMP_NUM_THREADS"] = "1"  # equal bytes take an equal number of threads, and forking takes no other one

import cv2
import torch

from prompting.models.catalogue import load_sam2, load_yolo

torch.set_num_threads(1)
cv2.setNumThreads(0)
load_sam2("nano", "cpu")
load_yolo("nano")
for _name in ("jinja2", "matplotlib", "plotly.express", "requests", "scipy.spatial.transform", "sklearn.linear_model"):
    importlib.import_module(_name)
for _name in ("mongoengine", "motor.motor_asyncio", "pydash", "sse_starlette", "strawberry"):
    importlib.import_module(_name)
