#!/usr/bin/env bash
# Segments the example frames and compares the result with their masks: demo.sh SEG
set -euo pipefail
seg=$1
examples=$(dirname "$0")/../Examples/pupil
output=output/pupil

"$seg" segment "$examples"/images/*.png --model pupil-unet --weights "$examples/pupil-unet.safetensors" -o "$output" \
  --overlay
"$seg" evaluate --images "$examples/images" --masks "$examples/masks" --model pupil-unet \
  --weights "$examples/pupil-unet.safetensors"
echo
echo "Masks and overlays: $output"
