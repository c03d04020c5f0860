#!/usr/bin/env bash
# Makes a Python environment with the packages of a requirements file: python-environment.sh REQUIREMENTS DIRECTORY
set -euo pipefail
requirements=$1
directory=$2

if ! command -v python3 >/dev/null 2>&1; then
  echo "Python 3 is not installed: this target cannot run." >&2
  exit 1
fi
stamp="$directory/.installed"
if [ ! -f "$stamp" ] || ! cmp -s "$requirements" "$stamp"; then
  python3 -m venv "$directory"
  if ! "$directory/bin/pip" install --quiet --disable-pip-version-check -r "$requirements"; then
    echo "The packages of $requirements cannot be installed: this target needs PyPI." >&2
    exit 1
  fi
  cp "$requirements" "$stamp"
fi
