#!/usr/bin/env bash
# Installs the system libraries that the package links, where they are missing. Prints nothing where all are there.
set -euo pipefail

debian_packages=(
  pkg-config libopenblas-dev liblapacke-dev libpng-dev libjpeg-dev libtiff-dev libwebp-dev libgif-dev
  libexif-dev libzip-dev libcmark-gfm-dev libcmark-gfm-extensions-dev
)

if [ "$(uname -s)" = Darwin ]; then
  for formula in pkg-config openblas libpng jpeg-turbo libtiff webp giflib libexif libzip cmark-gfm; do
    brew list --formula "$formula" >/dev/null 2>&1 || brew install "$formula"
  done
  exit 0
fi

if ! command -v dpkg-query >/dev/null 2>&1; then
  echo "This is neither Debian nor macOS: install the counterparts of ${debian_packages[*]} yourself." >&2
  exit 0
fi

missing=()
for package in "${debian_packages[@]}"; do
  state=$(dpkg-query -W -f='${Status}' "$package" 2>/dev/null || true)
  [ "$state" = "install ok installed" ] || missing+=("$package")
done
[ ${#missing[@]} -eq 0 ] && exit 0

echo "Installing ${missing[*]}"
as_root=()
[ "$(id -u)" -eq 0 ] || as_root=(sudo)
export DEBIAN_FRONTEND=noninteractive
"${as_root[@]}" apt-get update -qq
"${as_root[@]}" apt-get install -y -qq --no-install-recommends "${missing[@]}"
