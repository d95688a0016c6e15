"""One run at a time for a dataset and prefix, on however many machines its database is used from; and one change at a
time to a dataset's own document, by whatever run.

A lock is a document in FiftyOne's own database, so that runs on other
machines see it. Its owner renews it; one that wasn't renewed for a while, or
whose process is gone from this machine, belongs to a run that died, and the
next run takes it over. Its owner also writes how far the run is into it, and
reads there that somebody asked the run to stop (:mod:`prompting.dataset.stopping`).
"""

from __future__ import annotations

import socket
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import fiftyone as fo
import fiftyone.core.odm as odm
import psutil
import pymongo
from pymongo.collection import Collection
from pymongo.errors import DuplicateKeyError, PyMongoError

from ..errors import PromptingError, Stopped
from .database import in_words
from .document import is_current

COLLECTION = "sam2_prompting.locks"
RENEW_SECONDS, EXPIRE_SECONDS, RELEASE_SECONDS = 1.0, 60.0, 5.0
GIVE_UP_SECONDS = 40.0
"""A lock that wasn't renewed for so long is given up by those who work on its run: in good time before it expires."""
TURN_SECONDS, WAIT_SECONDS = 0.02, 90.0


class Hold:
    """A run's side of its lock. The thread that renews the lock carries both messages: they cost the run no query.

    Attributes:
        key, token: of the lock, for those who work on the run elsewhere: see :class:`Watch`
        asked_to_stop: set once somebody asked for it
    """

    def __init__(self, key: str, token: str) -> None:
        self.key, self.token = key, token
        self.told: dict = {}
        self.asked_to_stop = threading.Event()

    def tell(
        self, done: int | None, total: int | None, seconds_left: float | None = None, doing: str | None = None
    ) -> None:
        """Say how far the run is, for whom it keeps out; ``doing`` is what comes before the samples."""
        self.told = {"done": done, "total": total, "seconds_left": seconds_left, "doing": doing}

    def tell_nothing(self) -> None:
        """Say that it is under way, and how far isn't known."""
        self.tell(None, None)

    def check(self) -> None:
        """To be called between pictures, where all that was written is whole.

        Raises:
            Stopped: somebody asked the run to stop
        """
        if self.asked_to_stop.is_set():
            raise Stopped("The run was stopped on request; run it again to do the rest.")


class Watch:
    """What one who works on a run elsewhere sees of its lock: that it was asked to stop, or that nobody holds it now.

    Its own thread reads the lock once a second. A lock that isn't renewed is watched by this machine's own clock, and
    given up before another run may take it over.

    Args:
        key, token: of the lock
    """

    def __init__(self, key: str, token: str):
        self._key, self._token = key, token
        self._renewed, self._seen, self._stop, self._gone = None, time.monotonic(), False, False
        threading.Thread(target=self._look, daemon=True, name="sam2-run-watch").start()

    @property
    def over(self) -> bool:
        """Whether nothing more may be begun."""
        return self._stop or self._gone or time.monotonic() - self._seen > GIVE_UP_SECONDS

    def check(self) -> None:
        """To be called between pictures, where all that was written is whole.

        Raises:
            Stopped: the run was asked to stop, or is gone
        """
        if self.over:
            raise Stopped("The run was stopped on request, or whoever started it is gone.")

    def _look(self) -> None:
        locks = odm.get_db_conn()[COLLECTION]
        while not self._gone:
            with suppress(PyMongoError), pymongo.timeout(GIVE_UP_SECONDS):
                lock = locks.find_one({"_id": self._key, "token": self._token}, {"renewed": 1, "stop": 1})
                if lock is None:
                    self._gone = True
                elif lock["renewed"] != self._renewed:
                    self._renewed, self._seen, self._stop = lock["renewed"], time.monotonic(), bool(lock.get("stop"))
            time.sleep(RENEW_SECONDS)


@contextmanager
def run_lock(dataset: fo.Dataset, prefix: str, what: str) -> Iterator[Hold]:
    """Hold the right to write a prefix's fields.

    Args:
        dataset: the dataset
        prefix: of the fields
        what: what the run does, for whom it keeps out (``applying strategies``)

    Raises:
        PromptingError: another run that is alive holds it, or the database failed
    """
    try:
        locks = odm.get_db_conn()[COLLECTION]
        key, token = run_key(dataset, prefix), uuid.uuid4().hex
        if holder := _acquire(locks, key, token, what):
            since = time.strftime("%H:%M", time.localtime(holder["since"]))
            raise PromptingError(
                f"Another run is {holder['what']} with the prefix {prefix!r} on this dataset (process {holder['pid']}"
                f" on {holder['host']}, since {since}); wait for it, or choose another prefix."
            )
        hold, ended = Hold(key, token), threading.Event()
        renewing = (locks, key, token, hold, ended)
        threading.Thread(target=_renew, args=renewing, daemon=True, name="sam2-run-lock").start()
        try:
            yield hold
        finally:
            ended.set()
            _release(locks, key, token)
    except Exception as error:
        told = in_words(error)
        if told is error:
            raise
        raise told from error


@contextmanager
def editing(dataset: fo.Dataset) -> Iterator[None]:
    """Change a dataset's own document, its fields, runs and colours, after all that other processes changed in it.

    Each process has a copy of it, and FiftyOne writes the list of fields as a whole: of two that add fields at once,
    one would take the other's away, and samples with values of fields that aren't declared can't be read any more.

    Saving and reading the document takes FiftyOne longer than changing it: it is read once, where it isn't what this
    process has, and what changed is saved once, at the end.

    Args:
        dataset: the dataset, whose document is reloaded where another process changed it

    Raises:
        PromptingError: another run took longer than a minute and a half over it
    """
    locks = odm.get_db_conn()[COLLECTION]
    key, token, end = str(dataset._doc.id), uuid.uuid4().hex, time.monotonic() + WAIT_SECONDS
    while holder := _acquire(locks, key, token, "changing the dataset"):
        if time.monotonic() > end:
            raise PromptingError(
                f"Process {holder['pid']} on {holder['host']} does not let go of the dataset's fields; end it, and run"
                " this again."
            )
        time.sleep(TURN_SECONDS)
    try:
        if not is_current(dataset):
            dataset._reload()  # the document alone: a person's samples stay as they are
        if not set(dataset.get_field_schema()) <= {field.name for field in dataset._doc.sample_fields}:
            dataset.reload()  # fields that this process knows are gone
        yield
        if dataset._doc._get_changed_fields():
            dataset.save()
    finally:
        _release(locks, key, token)


def run_key(dataset: fo.Dataset, prefix: str) -> str:
    """The id of the lock of a dataset's runs with a prefix."""
    return f"{dataset._doc.id}/{prefix}"


def _acquire(locks: Collection, key: str, token: str, what: str) -> dict | None:
    """Take a lock, if nobody alive holds it; else the holder."""
    process = psutil.Process()
    mine = {
        "token": token,
        "host": socket.gethostname(),
        "pid": process.pid,
        "started": process.create_time(),
        "what": what,
        "since": time.time(),
        "renewed": time.time(),
    }
    while True:
        try:
            locks.insert_one({"_id": key, **mine})
            return None
        except DuplicateKeyError:
            holder = locks.find_one({"_id": key})
        if holder is None:
            continue  # released in between
        if alive(holder):
            return holder
        # only if nobody else took it over meanwhile
        if locks.replace_one({"_id": key, "token": holder["token"]}, mine).modified_count:
            return None


def _release(locks: Collection, key: str, token: str) -> None:
    """Let the next run in at once; where the database is gone, the lock is left to expire."""
    with suppress(PyMongoError), pymongo.timeout(RELEASE_SECONDS):
        locks.delete_one({"_id": key, "token": token})


def alive(holder: dict) -> bool:
    """Whether the run that holds a lock still exists, as far as can be known from here."""
    if time.time() - holder["renewed"] > EXPIRE_SECONDS:
        return False
    if holder["host"] != socket.gethostname():
        return True
    try:  # a number is given again to other processes: the start time tells them apart
        return abs(psutil.Process(holder["pid"]).create_time() - holder["started"]) < 1.0
    except psutil.NoSuchProcess:
        return False


def _renew(locks: Collection, key: str, token: str, hold: Hold, ended: threading.Event) -> None:
    while not ended.wait(RENEW_SECONDS):
        try:
            told = {"$set": {"renewed": time.time(), **hold.told}}
            lock = locks.find_one_and_update({"_id": key, "token": token}, told)
        except PyMongoError:
            continue  # the database is away: the run itself will find out
        if lock and lock.get("stop"):
            hold.asked_to_stop.set()
