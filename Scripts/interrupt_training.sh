#!/usr/bin/env bash
# Interrupts trainings on a small set of its own, resumes them, and compares their files with those of a training that was not interrupted:
#
#   Scripts/interrupt_training.sh SEG [SEED]
#
# Ten kills (SIGKILL) at random moments, ten requests to end (SIGTERM), and, for root on Linux, a disk that is full. Weights have to be equal
# byte for byte: best.safetensors as a file, last.safetensors but for the seconds in its header, and the log but for its seconds.
set -euo pipefail
seg=$(realpath "$1")
RANDOM=${2:-1}
folder=$(mktemp -d)
disk=$folder/disk
cleanUp() {
  if mountpoint -q "$disk"; then umount "$disk"; fi
  rm -rf "$folder"
}
trap cleanUp EXIT
cd "$folder"

# Twelve grey images of discs of random sizes, as netpbm text.
mkdir -p set/images set/masks
for index in $(seq 12); do
  awk -v seed="$index" -v image="set/images/$index.pgm" -v mask="set/masks/$index.pgm" 'BEGIN {
    srand(seed)
    height = 40 + int(24 * rand()); width = 40 + int(24 * rand()); radius = 6 + 8 * rand()
    top = height * (0.3 + 0.4 * rand()); left = width * (0.3 + 0.4 * rand())
    printf "P2\n%d %d\n255\n", width, height > image
    printf "P2\n%d %d\n255\n", width, height > mask
    for (y = 0; y < height; y++) for (x = 0; x < width; x++) {
      inside = (y - top) ^ 2 + (x - left) ^ 2 < radius ^ 2
      print int(60 + 50 * rand() + 50 * inside) > image
      print inside > mask
    }
  }'
done
choices=(--steps 3000 --interval 20 --widths 4,8 --crop 32 --batch 2 --ema 0.99 --seed 5)

# Sets the arguments of a session: the first of a folder, or one that continues.
session() {
  arguments=(train set -o "$1" --resume)
  # A folder has a training once its configuration is there.
  if [ ! -e "$1/configuration.json" ]; then arguments=(train set -o "$1" "${choices[@]}"); fi
}
complete() {
  session "$1"
  "$seg" "${arguments[@]}"
}

# The names, types and bytes of all tensors.
tensors() {
  local length
  length=$(od -An -t u8 -N 8 "$1" | tr -d ' ')
  head -c $((8 + length)) "$1" | tail -c +9 | sed -E 's/"__metadata__":\{[^}]*\},?//; s/ *$//'
  tail -c +$((9 + length)) "$1"
}
log() { sed -E 's/"seconds":[^,}]*,?//' "$1"; }
compare() {
  tensors straight/last.safetensors > expected
  tensors "$1/last.safetensors" > actual
  cmp expected actual
  cmp straight/best.safetensors "$1/best.safetensors"
  cmp <(log straight/log.jsonl) <(log "$1/log.jsonl")
  diff -r straight/samples "$1/samples"
  grep -q 'Training is finished' "$1/report.html"
  local strays
  strays=$(find "$1" -name '.seg-*' | wc -l)
  echo "$1: variables, best weights, log and samples are equal, $(stat -c %s actual) bytes of variables; $strays unfinished files"
}

# Starts a session and sends a signal after a random share of its time. Prints the last step of the log.
interrupt() {
  local run=$1 signal=$2 status=0 step
  session "$run"
  "$seg" "${arguments[@]}" > output.txt 2>&1 &
  sleep "$(awk -v part="$RANDOM" -v longest="$longest" 'BEGIN { print longest * part / 32768 }')"
  kill "-$signal" $! 2> /dev/null || echo "$run: the session had ended before $signal"
  wait $! 2> /dev/null || status=$?
  step=$(tail -n 1 "$run/log.jsonl" 2> /dev/null | grep -oE '"step":[0-9]+' | cut -d: -f2 || true)
  echo "$run: $signal after step ${step:-0}, status $status"
}

started=$(date +%s.%N)
complete straight > /dev/null
longest=$(awk -v start="$started" -v end="$(date +%s.%N)" 'BEGIN { print (end - start) / 7 }')
echo "straight: $(find straight/samples -type f | wc -l) samples, $(wc -l < straight/log.jsonl) lines"

for signal in KILL TERM; do
  for _ in $(seq 10); do interrupt "by-$signal" "$signal"; done
  complete "by-$signal" > /dev/null
  compare "by-$signal"
done

[ "$(id -u)" = 0 ] && [ "$(uname)" = Linux ] || exit 0
mkdir "$disk"
mount -t tmpfs -o size=160k tmpfs "$disk"
status=0
complete disk/run > /dev/null 2> errors.txt || status=$?
echo "full disk: status $status, $(tail -n 1 errors.txt)"
[ "$status" = 73 ]
mount -o remount,size=64m "$disk"
complete disk/run > /dev/null
compare disk/run
