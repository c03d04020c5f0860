#!/usr/bin/env bash
# Fuzzes readers of files: run.sh SECONDS [READER...], all of them by default. RUNS=1000000 ends each after that many runs instead. Each
# reader starts from the fixtures of its kind and keeps what it finds in .corpus; inputs that fail are left in .findings.
set -euo pipefail
cd "$(dirname "$0")"
seconds=${1:?SECONDS [READER...]}
shift
all=(png jpeg tiff webp bmp gif netpbm numpy-image regions mask safetensors npy npz pth onnx onnx-segmentation settings profile latency colors
  run-lengths)
readers=("$@")
[ ${#readers[@]} -gt 0 ] || readers=("${all[@]}")

swift build -c release --sanitize=fuzzer --sanitize=address --product fuzz-readers
program=$(swift build -c release --sanitize=fuzzer --sanitize=address --show-bin-path)/fuzz-readers

# Patterns of file names in Tests/Fixtures.
patterns() {
  case $1 in
    jpeg) echo '*.jpg' ;;
    tiff | regions) echo '*.tif' ;;
    netpbm) echo '*.p[bgpf]m' '*.pam' ;;
    numpy-image) echo '*.npy' ;;
    mask) echo '*.png' '*.tif' '*.bmp' '*.gif' '*.npy' ;;
    pth) echo '*.pth' '*.pt' '*.ckpt' '*.safetensors' ;;
    onnx | onnx-segmentation) echo '*.onnx' ;;
    settings | profile | latency) echo '*.json' ;;
    colors) echo '*.txt' '*.csv' '*.json' ;;
    run-lengths) ;;
    *) echo "*.$1" ;;
  esac
}

scratch=$(mktemp -d "${XDG_RUNTIME_DIR:-/tmp}/seg-fuzz.XXXXXX")
[ -d /dev/shm ] && { rmdir "$scratch"; scratch=$(mktemp -d /dev/shm/seg-fuzz.XXXXXX); }
trap 'rm -rf "$scratch"' EXIT
mkdir -p .findings
failed=()
for reader in "${readers[@]}"; do
  corpus=.corpus/$reader
  mkdir -p "$corpus" "$scratch/$reader"
  for pattern in $(set -f; patterns "$reader"); do
    while IFS= read -r -d '' file; do
      cp -n "$file" "$corpus/seed-$(echo "${file#../Tests/Fixtures/}" | tr / _)"
    done < <(find ../Tests/Fixtures -type f -size -64k -name "$pattern" -print0)
  done
  [ "$reader" != run-lengths ] || printf '0ba0' > "$corpus/seed-empty"
  echo "== $reader: $(find "$corpus" -type f | wc -l) inputs"
  limit=(-max_total_time="$seconds")
  [ -z "${RUNS:-}" ] || limit=(-runs="$RUNS")
  # Leaks are not looked for: what a process keeps for its lifetime counts as one. A run may take 10 s and 1 GB.
  SWIFT_BACKTRACE=enable=no SEG_FUZZ_READER=$reader SEG_FUZZ_FOLDER=$scratch/$reader SEG_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 \
    "$program" "$corpus" "${limit[@]}" -max_len=65536 -timeout=10 -rss_limit_mb=1024 -detect_leaks=0 -print_final_stats=1 \
    -artifact_prefix=".findings/$reader-" >"$scratch/log" 2>&1 && state=clean || state=failed
  grep -E "^stat::(number_of_executed_units|average_exec_per_sec|peak_rss_mb)|SUMMARY|Fatal error" "$scratch/log" || tail -20 "$scratch/log"
  [ $state = clean ] || failed+=("$reader")
done
[ ${#failed[@]} -eq 0 ] || { echo "failed: ${failed[*]}; the inputs are in fuzz/.findings"; exit 1; }
