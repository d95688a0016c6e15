"""Asks whether the pinned packages have known weaknesses; fails where one has, and says where nobody could be asked.

Advisories come from PyPI, which not every machine reaches: that is told, and is no failure.
"""

from __future__ import annotations

import json
import subprocess
import sys

COMMAND = ("-m", "pip_audit", "--requirement", "constraints.txt", "--no-deps", "--disable-pip", "--format", "json")
ACCEPTED: dict[str, str] = {}
"""Advisories that don't concern this plugin: id -> why, in a line."""


def main() -> int:
    """Print one line, and one more for each weakness."""
    done = subprocess.run([sys.executable, *COMMAND], capture_output=True, text=True)
    try:
        packages = json.loads(done.stdout)["dependencies"]
    except (ValueError, KeyError):
        reason = (done.stderr.strip().splitlines() or ["no answer"])[-1]
        print(f"pip-audit: no advisories could be read here ({reason[:200]})")
        return 0
    found = [
        (package["name"], package["version"], weakness["id"])
        for package in packages
        for weakness in package.get("vulns", ())
        if weakness["id"] not in ACCEPTED
    ]
    unknown = sum("skip_reason" in package for package in packages)
    print(f"pip-audit: {len(packages) - unknown} packages audited, {unknown} unknown where it asked")
    for name, version, weakness in found:
        print(f"  {name} {version}: {weakness}")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
