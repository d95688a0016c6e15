"""What workers elsewhere have to know of this process."""

from __future__ import annotations

import socket
from pathlib import Path

import fiftyone as fo
import fiftyone.core.odm as odm
from pymongo.uri_parser import parse_uri

from ..plan import PACKAGES
from .actor import Home, code_of, version_of

PLUGIN_FOLDER = Path(__file__).resolve().parents[2]
OWN_MACHINE = ("localhost", "127.", "::1", "[::1]")


def home() -> Home:
    """This process, and the database that it uses."""
    address, hosts = _database()
    environment = {
        "FIFTYONE_DATABASE_URI": address,
        "FIFTYONE_DATABASE_NAME": fo.config.database_name,
        "FIFTYONE_DATABASE_ADMIN": "false",
        "FIFTYONE_DATABASE_VALIDATION": str(fo.config.database_validation).lower(),
        "FIFTYONE_DO_NOT_TRACK": "true",
    }
    if fo.config.database_compressor:
        environment["FIFTYONE_DATABASE_COMPRESSOR"] = fo.config.database_compressor
    names = ("python", *PACKAGES)
    return Home(
        host=socket.gethostname(),
        folder=str(PLUGIN_FOLDER),
        package=__name__.rsplit(".", 2)[0],
        code=code_of(str(PLUGIN_FOLDER)),
        versions={name: there for name in names if (there := version_of(name))},
        database=address,
        hosts=", ".join(hosts),
        private=any(host.startswith(OWN_MACHINE) for host in hosts),
        environment=environment,
    )


def _database() -> tuple[str, list[str]]:
    """The database's address, and the machines in it; FiftyOne's own, which it started by itself, has one too."""
    if fo.config.database_uri:
        address = fo.config.database_uri
        if address.startswith("mongodb+srv"):
            return address, [address.partition("://")[2].rpartition("@")[2].partition("/")[0]]
        return address, [f"{host}:{port}" for host, port in parse_uri(address)["nodelist"]]
    host, port = odm.get_db_conn().client.address
    return f"mongodb://{host}:{port}", [f"{host}:{port}"]
