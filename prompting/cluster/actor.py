"""A worker's process before it knows the plugin: this travels as it stands, and imports nothing of ours by name.

It looks for the plugin on its own node, refuses another version of it, and only then is anything unpickled that the
plugin's modules define. Nothing is copied to a node: the plugin and its requirements are installed there.
"""

from __future__ import annotations

import hashlib
import importlib
import os
import platform
import socket
import sys
import types
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

PLUGIN = "@promptlab/sam2-prompting"
REACH_MILLISECONDS = 8000


@dataclass(frozen=True)
class Home:
    """Where a run was started, for those who work on it elsewhere.

    Attributes:
        host: the machine's name
        folder: of the plugin there
        package: the plugin's modules are called in that process, with ``prompting`` at its end
        code: of the plugin, see :func:`code_of`
        versions: package -> version, without what it was built for
        database: the address of FiftyOne's database. It holds a password, perhaps: it is told to nobody
        hosts: the machines at that address, in words
        private: whether that database is known as ``localhost``, which each machine is to itself
        environment: variables that have FiftyOne open it
    """

    host: str
    folder: str
    package: str
    code: str
    versions: Mapping[str, str]
    database: str
    hosts: str
    private: bool
    environment: Mapping[str, str]

    def __repr__(self) -> str:
        """Without the database's address."""
        return f"Home({self.host!r}, {self.folder!r})"


class Worker:
    """An actor: one process, with one desk at which it works.

    Args:
        home: where the run was started
        threads: that it computes with
    """

    def __init__(self, home: Home, threads: int):
        self._home, self._threads = home, threads

    def begin(self, boxed: Sequence) -> tuple[str, str | None]:
        """Make ready, or say why that can't be.

        Args:
            boxed: a reference to the arguments of the desk, which is followed once its modules can be imported

        Returns:
            the node's name, and a sentence or None
        """
        import ray

        node = f"{socket.gethostname()} ({ray.util.get_node_ip_address()})"
        folder, refusal = self._folder(node)
        refusal = refusal or self._other_version(node, folder) or self._no_database(node)
        if refusal is None:
            import torch  # before all else: Ultralytics would leave it one thread

            torch.set_num_threads(self._threads)
            _make_importable(self._home.package, folder)
            desk = importlib.import_module(f"{self._home.package}.cluster.desk")
            self._desk = desk.Desk(node, *ray.get(boxed[0]))
        return node, refusal

    def call(self, method: str, boxed: Sequence):
        """What the desk's method returns.

        Args:
            method: its name
            boxed: a reference to its arguments
        """
        import ray

        return getattr(self._desk, method)(*ray.get(boxed[0]))

    def _folder(self, node: str) -> tuple[str, str | None]:
        """Where the plugin is on this node: where FiftyOne finds it, else where it is at home, in a folder that both
        share."""
        os.environ.update(self._home.environment)
        try:
            import fiftyone as fo
            import fiftyone.plugins as fop
        except Exception as error:
            return (
                "",
                f"FiftyOne can't be imported on the node {node} ({type(error).__name__}); install the plugin there.",
            )
        try:
            return fop.find_plugin(PLUGIN), None
        except ValueError:
            if (Path(self._home.folder) / "fiftyone.yml").is_file():
                return self._home.folder, None
        return "", (
            f"The plugin {PLUGIN} is not installed on the node {node}: FiftyOne finds it neither in"
            f" {fo.config.plugins_dir} nor in {self._home.folder}; install it there as it is here."
        )

    def _other_version(self, node: str, folder: str) -> str | None:
        if code_of(folder) != self._home.code:
            return (
                f"The node {node} has another version of the plugin in {folder} than {self._home.host} has in"
                f" {self._home.folder}; install the same one on all."
            )
        for name, wanted in self._home.versions.items():
            if (there := version_of(name)) != wanted:
                return (
                    f"The node {node} has {name} {there or 'not at all'}, and {self._home.host} has {wanted}; install"
                    " the same version on all."
                )
        return None

    def _no_database(self, node: str) -> str | None:
        import pymongo

        if self._home.private and socket.gethostname() != self._home.host:
            return (
                f"FiftyOne's database is at {self._home.hosts}, which the node {node} can't reach: run a MongoDB that"
                " all nodes reach, and have FIFTYONE_DATABASE_URI name it by the machine's address."
            )
        client = pymongo.MongoClient(self._home.database, serverSelectionTimeoutMS=REACH_MILLISECONDS)
        try:
            client.admin.command("ping")
        except pymongo.errors.PyMongoError as error:
            return (
                f"The node {node} doesn't reach FiftyOne's database at {self._home.hosts} ({type(error).__name__});"
                " open its port to that node, and see that the address is one for all machines."
            )
        finally:
            client.close()
        return None


def code_of(folder: str) -> str:
    """What tells one version of the plugin's code from another: a SHA-256 of its modules."""
    found = hashlib.sha256()
    root = Path(folder) / "prompting"
    for path in sorted(root.rglob("*.py")):
        found.update(path.relative_to(root).as_posix().encode() + b"\0" + path.read_bytes())
    return found.hexdigest()


def version_of(package: str) -> str | None:
    """Its version without what it was built for: a laptop's torch and a GPU's are the same."""
    if package == "python":
        return platform.python_version()
    try:
        return version(package).partition("+")[0]
    except PackageNotFoundError:
        return None


def _make_importable(package: str, folder: str) -> None:
    """Have the plugin's modules in a folder be called what they are called where the run was started."""
    *parents, _ = package.split(".")
    if not parents:
        sys.path.insert(0, folder)
        return
    for count in range(1, len(parents) + 1):
        name = ".".join(parents[:count])
        if name not in sys.modules:
            try:
                importlib.import_module(name)
            except ImportError:
                sys.modules[name] = types.ModuleType(name)
                sys.modules[name].__path__ = []
    sys.modules[".".join(parents)].__path__ = [folder]
