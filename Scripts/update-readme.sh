#!/usr/bin/env bash
# Writes the table of networks that `seg models --markdown` prints between its marks in README.md: update-readme.sh SEG
set -euo pipefail
seg=$1
readme="$(dirname "$0")/../README.md"
table=$(mktemp)
trap 'rm -f "$table" "$table.new"' EXIT
"$seg" models --markdown >"$table"
awk -v table="$table" '
  /<!-- models:begin -->/ { print; while ((getline line < table) > 0) print line; skipping = 1 }
  /<!-- models:end -->/ { skipping = 0 }
  !skipping && !/<!-- models:begin -->/ { print }
' "$readme" >"$table.new"
cat "$table.new" >"$readme"
