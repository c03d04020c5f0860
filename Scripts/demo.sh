#!/usr/bin/env bash
# Cuts the object out of three photos, segments camera frames and compares the result with their masks: demo.sh SEG
set -euo pipefail
seg=$1
examples=$(dirname "$0")/../Examples

"$seg" segment "$examples/photos" -o output/photos --output-format cutout,labels,overlay
"$seg" segment "$examples"/pupil/images/*.png --model pupil-unet --weights "$examples/pupil/pupil-unet.safetensors" -o output/pupil \
  --overlay
"$seg" evaluate --images "$examples/pupil/images" --masks "$examples/pupil/masks" --model pupil-unet \
  --weights "$examples/pupil/pupil-unet.safetensors"
echo
echo "Cutouts, masks and overlays of three photos: output/photos"
echo "Masks and overlays of the camera frames: output/pupil"
