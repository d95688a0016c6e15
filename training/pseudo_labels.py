"""Class maps of the objects that the pack doesn't name, as yolo26n-seg sees them.

    python -m training.pseudo_labels --data PACK --yolo yolo26n-seg.pt --out FOLDER

Most pictures of the pack name people and pets only; a bus or a bottle in them
is "background". The nano CLIP shares its features with this detector, so its
opinion adds names (the 80 of COCO), no knowledge. Writes FOLDER/ID.png with
255 = nothing, else the COCO class.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import cv2
import numpy as np
import torch

CONFIDENCE = 0.5
PARTLY_NAMED = ("voc", "coco")  # the other sources are catalogues and portraits, or name every pixel


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True)
    parser.add_argument("--yolo", required=True)
    parser.add_argument("--out", required=True)
    args = parser.parse_args()
    from ultralytics import YOLO

    torch.set_num_threads(2)
    model = YOLO(args.yolo)
    out = Path(args.out)
    out.mkdir(parents=True, exist_ok=True)
    entries = [e for e in json.loads((Path(args.data) / "index.json").read_text()) if e["source"] in PARTLY_NAMED]
    for done, entry in enumerate(entries):
        if (out / f"{entry['id']}.png").exists():
            continue
        image = cv2.imread(str(Path(args.data) / "images" / f"{entry['id']}.jpg"))
        result = model.predict(image, imgsz=416, conf=CONFIDENCE, verbose=False, retina_masks=True)[0]
        labels = np.full(image.shape[:2], 255, np.uint8)
        if result.masks is not None:
            order = result.boxes.conf.argsort()  # the most confident one is painted last
            for i in order.tolist():
                labels[result.masks.data[i].numpy() > 0.5] = int(result.boxes.cls[i])
        cv2.imwrite(str(out / f"{entry['id']}.png"), labels)
        if done % 500 == 0:
            print(f"{done} of {len(entries)}", flush=True)


if __name__ == "__main__":
    main()
