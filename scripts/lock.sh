#!/bin/sh
# Write requirements.lock, requirements-all.lock (with all extras) and requirements-dev.lock anew from pyproject.toml: universal, hashed, no registry's address.
#
#   scripts/lock.sh             keep what is pinned, add and drop what pyproject.toml asks for
#   scripts/lock.sh --upgrade   take the newest of everything
set -eu
cd -- "$(dirname -- "$0")/.."
uv=${UV:-.venv/bin/uv}

compile() {
    "$uv" pip compile --quiet --universal --generate-hashes --no-header --no-emit-index-url --no-emit-find-links \
        --no-annotate --python-version 3.11 --no-python-downloads "$@"
}

compile "$@" pyproject.toml -o requirements.lock >/dev/null
compile "$@" pyproject.toml --all-extras -c requirements.lock -o requirements-all.lock >/dev/null
compile "$@" pyproject.toml --extra postgres --extra ses --extra encryption --extra tracing --extra oidc --group dev -c requirements.lock -o requirements-dev.lock >/dev/null
