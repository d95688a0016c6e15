"""What the processes of runs.py are forked from: torch and the bundled models, loaded once; no database yet."""

import os

os.environ["OMP_NUM_THREADS"] = "1"  # equal bytes take an equal number of threads, and forking takes no other one

import cv2
import torch

from prompting.models.catalogue import load_sam2, load_yolo

torch.set_num_threads(1)
cv2.setNumThreads(0)
load_sam2("nano", "cpu")
load_yolo("nano")
