"""Seeing a run from anywhere that its database is used from, and asking it to stop.

A run's lock is where it says how far it is, and where it looks, once a second,
whether somebody asked it to stop. It then ends between two pictures, with all
that it wrote whole, and says how to go on. While models are loaded it ends
after the one that is being loaded, before anything is written.
"""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from datetime import datetime

import fiftyone as fo
import fiftyone.core.odm as odm

from .lock import COLLECTION, alive, run_key


@dataclass(frozen=True)
class Running:
    """A run that is under way.

    Attributes:
        what: it does, as in ``applying strategies``
        since: when it began, in the time zone of this machine
        host, pid: the machine and the process that it runs in
        done, total: pictures, or steps of the same length; None before the first
        seconds_left: about how long it takes yet; None where that isn't known
        stopping: somebody asked it to stop already
        doing: what comes before the pictures, of which ``done`` and ``total`` are then; None once it does those
    """

    what: str
    since: datetime
    host: str
    pid: int
    done: int | None = None
    total: int | None = None
    seconds_left: float | None = None
    stopping: bool = False
    doing: str | None = None

    @classmethod
    def _of(cls, lock: dict) -> Running:
        return cls(
            what=lock["what"],
            since=datetime.fromtimestamp(lock["since"]).astimezone(),
            host=lock["host"],
            pid=lock["pid"],
            done=lock.get("done"),
            total=lock.get("total"),
            seconds_left=lock.get("seconds_left"),
            stopping=bool(lock.get("stop")),
            doing=lock.get("doing"),
        )


def running(dataset: fo.Dataset, prefix: str = "sam2") -> Running | None:
    """The run that writes a prefix's fields now; None where there is none, or where it died."""
    lock = odm.get_db_conn()[COLLECTION].find_one({"_id": run_key(dataset, prefix)})
    return None if lock is None or not alive(lock) else Running._of(lock)


def runs(dataset: fo.Dataset) -> dict[str, Running]:
    """Prefix -> the run that writes its fields now, of every run on a dataset, the one that began first first."""
    begins = run_key(dataset, "")
    locks = odm.get_db_conn()[COLLECTION].find({"_id": {"$regex": f"^{re.escape(begins)}"}}).sort("since")
    return {lock["_id"].removeprefix(begins): Running._of(lock) for lock in locks if alive(lock)}


def request_stop(dataset: fo.Dataset, prefix: str = "sam2") -> bool:
    """Ask the run that writes a prefix's fields to end where all is whole: within seconds, or one picture.

    Asking twice is asking once. Whoever comes when the last picture is done comes too late, and the run ends as it
    would have.

    Args:
        dataset: the dataset
        prefix: of the fields that the run writes

    Returns:
        whether there is such a run, and it was asked
    """
    locks, key = odm.get_db_conn()[COLLECTION], run_key(dataset, prefix)
    lock = locks.find_one({"_id": key})
    if lock is None or not alive(lock):
        return False
    # this run and none that took its place meanwhile
    return bool(locks.update_one({"_id": key, "token": lock["token"]}, {"$set": {"stop": time.time()}}).matched_count)
