import ArgumentParser
import Foundation
import SegEngine
import SegIO
import SegModels
import Synchronization

/// The command `seg segment`: writes masks, overlays, cutouts and other results of images.
struct SegmentCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "segment", abstract: "Segments images.",
    discussion: """
      Without --model it finds the salient object of a photo: seg segment photo.jpg -o out writes out/photo.png, its mask, and \
      out/photo_cutout.png, the object with the background transparent.

      For each image and format it writes a file into the output directory; folders keep their tree. Where an image fails the others are \
      still segmented, and the exit code is that of the first failure.

      Example: seg segment photos --model net.onnx --output masks --output-format labels,overlay
      """)

  @Argument(
    help: ArgumentHelp(
      """
      The images: files, folders, patterns in quotation marks, or - for standard input. PNG, JPEG, TIFF, WebP, BMP, GIF, netpbm, .npy, \
      and HEIF and AVIF where libheif is installed.
      """, valueName: "images"))
  var images: [String]

  @OptionGroup(title: "Image files") var reading: ImageReadingOptions

  @OptionGroup var model: ModelOptions

  @Option(
    name: [.short, .customLong("output")],
    help: ArgumentHelp(
      """
      The directory for the results, made where it is not there; for one image also the file of one result, or - for standard output.
      """, valueName: "directory"))
  var output: String

  @Option(
    help: ArgumentHelp(
      """
      What is written, one or several of: `labels` (NAME.png, a palette image), `overlay` (NAME_overlay.png, with a legend), `cutout` \
      (NAME_cutout.png, the background transparent), `labels-tiff` (NAME.tif, with the image's georeference), `probabilities` \
      (NAME_probabilities.npz, [height, width, classes]), `probabilities-tiff` and `probabilities-16bit` (a band a class), `geojson` \
      (NAME.geojson, polygons in pixels or on the image's map), `coco` (annotations.json, run lengths of all images), `areas` (areas.csv, \
      of all images). By default labels; without --model labels and cutout; with --tile of TIFF files labels-tiff.
      """, valueName: "formats"))
  var outputFormat: OutputFormatList?

  @OptionGroup(title: "Images too large for one run") var tiles: TileOptions

  @OptionGroup(title: "Several views of each image") var views: ViewOptions

  @Flag(help: "Move the borders to the edges of the image by a fully connected conditional random field.")
  var crf = false

  @OptionGroup(title: "Conditional random field") var crfOptions: CRFOptions

  @OptionGroup(title: "Drawing") var drawing: DrawingOptions

  @Flag(help: "Also write the image with the labels drawn over it.")
  var overlay = false

  @Option(
    help: ArgumentHelp(
      "Remove connected regions and holes of fewer pixels: they take the class of their surroundings.",
      valueName: "pixels"))
  var smallest: Int?

  @Option(help: ArgumentHelp("Simplify polygons by at most this number of pixels.", valueName: "pixels"))
  var simplify = 0.0

  @Flag(help: "Leave out images whose results exist.")
  var skipExisting = false

  @Option(
    help: ArgumentHelp(
      """
      Images that are computed at once, each on its share of the threads; by default as many as threads where the network's size is fixed \
      and memory suffices.
      """, valueName: "count"))
  var jobs: Int?

  @Flag(help: "Print what was done as JSON.")
  var json = false

  func validate() throws {
    guard tiles.size == nil || !crf && views.views == nil else {
      throw ValidationError("tiles are segmented as they are: no --crf, no further views")
    }
    if let formats = outputFormat?.formats {
      guard Set(formats).count == formats.count else { throw ValidationError("--output-format names a format twice") }
      if tiles.size != nil, let format = formats.first(where: \.needsLogits) {
        throw ValidationError("tiles give labels: --output-format \(format.rawValue) does not go with --tile")
      }
      if skipExisting, let format = formats.first(where: \.isOfAllImages) {
        throw ValidationError("--skip-existing does not go with \(format.rawValue), a file of all images")
      }
    }
    if let jobs, !(1...256).contains(jobs) { throw ValidationError("--jobs is 1 to 256, not \(jobs)") }
    if let smallest, smallest < 1 { throw ValidationError("--smallest is at least 1, not \(smallest)") }
    guard simplify >= 0, simplify.isFinite else { throw ValidationError("--simplify is not negative: \(simplify)") }
    if output == "-", json { throw ValidationError("--json and the result cannot both go to standard output") }
  }

  private struct Report: Encodable {
    struct Entry: Encodable, Sendable {
      let image: String
      /// The files that were written, by format.
      let outputs: [String: String]
      let mask: String?
      let overlay: String?
      let width: Int
      let height: Int
      /// The time of everything, and of its parts.
      let milliseconds: Double
      let decodingMilliseconds: Double
      let networkMilliseconds: Double
      let encodingMilliseconds: Double
      /// The number of pixels of each label.
      let pixels: [String: Int]
      /// The warnings about the image's file.
      let warnings: [String]
    }
    struct Problem: Encodable {
      let image: String
      let error: String
    }
    var images: [Entry] = []
    var failures: [Problem] = []
    /// The images whose results existed (--skip-existing).
    var skipped: [String] = []
    /// The assumptions about the network.
    var assumptions: [String] = []
  }

  /// The formats if none are asked for, the first of them for standard output.
  private func usualFormats(_ inputs: ImageInputs) -> [OutputFormat] {
    let formats: [OutputFormat] =
      if tiles.size != nil {
        inputs.items.allSatisfy { ["tif", "tiff"].contains(ending(of: $0.path)?.lowercased()) } && !overlay
          ? [.labelsTIFF] : [.labels]
      } else {
        model.isDefault ? [.cutout, .labels] : [.labels]
      }
    return overlay ? formats + [.overlay] : formats
  }

  func run() throws {
    let inputs = try ImageInputs(images)
    var asked = outputFormat?.formats
    if overlay, let formats = asked, !formats.contains(.overlay) { asked = formats + [.overlay] }
    let plan = try OutputPlan(inputs, output: output, formats: asked, usual: usualFormats(inputs))
    let items = inputs.items.filter { !skipExisting || !plan.isDone($0) }
    let isSerial = items.count < 2 || tiles.size != nil
    let (segmenter, jobs) = try makeSegmenter(images: isSerial ? 1 : items.count)
    let classes = try drawing.classList(of: segmenter.classes, segmenter.name, network: segmenter.predictor.classList)
    let work = ImageSegmentation(
      segmenter: segmenter, formats: plan.formats, reading: reading,
      tiling: try tiles.tiling { try segmenter.graph($0.extent) }, views: views.views,
      crf: crf ? crfOptions.field(segmenter.predictor.refinement) : nil, smallest: smallest, classes: classes,
      opacity: drawing.opacity, legend: drawing.legend, tolerance: simplify)
    segmenter.sayAssumptions()
    try plan.makeDirectories(for: inputs)

    let bar = ProgressBar(total: items.count)
    let finished = Mutex(0)
    var report = Report()
    var worst: Failure?
    let outcomes = try concurrently(items.count, jobs: jobs) { index -> Result<Finished, Failure> in
      let item = items[index]
      do {
        let progress = { (done: Int, total: Int) in if items.count == 1 { bar.update(done, of: total) } }
        // Labels of tiles go into a TIFF file as they are computed.
        if tiles.size != nil, smallest == nil, plan.formats == [.labelsTIFF],
          let target = plan.path(of: .labelsTIFF, for: item)
        {
          let outcome = try work.stream(item.path, to: target, progress: progress)
          bar.update(
            finished.withLock {
              $0 += 1; return $0
            })
          return .success(Finished(entry: entry(outcome, of: item, [OutputFormat.labelsTIFF.rawValue: target])))
        }
        let outcome = try work(item.path, progress: progress)
        let entry = try write(outcome, of: item, plan)
        bar.update(
          finished.withLock {
            $0 += 1; return $0
          })
        return .success(Finished(entry: entry, labels: outcome.labels, pixelArea: outcome.pixelArea))
      } catch {
        // The other images are still processed. The first failure decides the exit code.
        guard let failure = Failure(error) else { throw error }
        bar.finish()
        failure.report()
        bar.update(
          finished.withLock {
            $0 += 1; return $0
          })
        return .failure(failure)
      }
    }
    bar.finish()
    for (item, outcome) in zip(items, outcomes) {
      switch outcome {
      case .success(let finished): report.images.append(finished.entry)
      case .failure(let failure):
        report.failures.append(.init(image: item.path, error: failure.message))
        worst = worst ?? failure
      }
    }
    try writeCollections(outcomes.compactMap { try? $0.get() }, plan, classes)
    report.assumptions = segmenter.assumptions
    report.skipped =
      skipExisting ? inputs.items.filter { item in !items.contains { $0.path == item.path } }.map(\.path) : []
    if json { try printJSON(report) }
    if let worst { throw worst.exitCode }
  }

  /// A finished image, with what the files of all images need.
  private struct Finished: Sendable {
    let entry: Report.Entry
    var labels: LabelMap? = nil
    var pixelArea: Double? = nil
  }

  /// Writes the files of all images.
  private func writeCollections(_ images: [Finished], _ plan: OutputPlan, _ classes: ClassList) throws {
    for format in plan.formats where format.isOfAllImages {
      let bytes: [UInt8]
      if format == .coco {
        var document = COCODocument(names: classes.names, leavingOut: ImageSegmentation.background)
        for image in images { document.add(image.labels!, fileName: image.entry.image.showingUndecodableBytes()) }
        bytes = document.jsonBytes()
      } else {
        var table = ClassAreaTable(names: classes.names)
        for image in images {
          table.add(
            ClassAreas(image.labels!, pixelArea: image.pixelArea, leavingOut: [LabelMap.unlabelled]),
            image: image.entry.image.showingUndecodableBytes())
        }
        bytes = Array(table.csv.utf8)
      }
      guard let path = plan.path(of: format) else {
        try writeStandardOutput(bytes)
        continue
      }
      try Failure.writing { try FileSystem.write(bytes, to: path) }
    }
  }

  /// Loads the network for images that are computed at once, and returns their number.
  private func makeSegmenter(images count: Int) throws -> (segmenter: Segmenter, jobs: Int) {
    let threads = model.compute.backend.workers.threadCount
    let wanted = min(jobs ?? threads, threads, count)
    guard wanted > 1 else { return (try model.makeSegmenter(), 1) }
    let shared = try model.makeSegmenter(on: OpenBLASBackend(workers: WorkerPool(threads: threads / wanted)))
    if jobs != nil { return (shared, wanted) }
    // Half of the memory is left to the images.
    guard let bytes = shared.predictor.runByteCount, bytes * wanted < availableByteCount / 2 else {
      return (try model.makeSegmenter(), 1)
    }
    return (shared, wanted)
  }

  private func write(
    _ outcome: ImageSegmentation.Outcome, of item: ImageInputs.Item, _ plan: OutputPlan
  ) throws -> Report.Entry {
    let clock = ContinuousClock()
    let start = clock.now
    var outputs: [String: String] = [:]
    for (format, contents) in outcome.results {
      guard let path = plan.path(of: format, for: item) else {
        guard case .bytes(let bytes) = contents else {
          throw Failure(.usage, "\(format.rawValue) cannot go to standard output")
        }
        try writeStandardOutput(bytes)
        continue
      }
      try Failure.writing { try contents.write(to: path) }
      outputs[format.rawValue] = path
    }
    var outcome = outcome
    outcome.encodingSeconds += (clock.now - start) / .seconds(1)
    return entry(outcome, of: item, outputs)
  }

  private func entry(
    _ outcome: ImageSegmentation.Outcome, of item: ImageInputs.Item, _ outputs: [String: String]
  ) -> Report.Entry {
    var pixels: [String: Int] = [:]
    for (label, count) in outcome.pixelCounts { pixels["\(label)"] = count }
    return .init(
      image: item.path, outputs: outputs,
      mask: outputs[OutputFormat.labels.rawValue] ?? outputs[OutputFormat.labelsTIFF.rawValue],
      overlay: outputs[OutputFormat.overlay.rawValue], width: outcome.width, height: outcome.height,
      milliseconds: 1000 * (outcome.decodingSeconds + outcome.networkSeconds + outcome.encodingSeconds),
      decodingMilliseconds: 1000 * outcome.decodingSeconds, networkMilliseconds: 1000 * outcome.networkSeconds,
      encodingMilliseconds: 1000 * outcome.encodingSeconds, pixels: pixels, warnings: outcome.warnings)
  }
}

/// Computes the results of `count` indices on `jobs` threads, and returns them in order. The first error ends the computation.
private func concurrently<Value: Sendable>(
  _ count: Int, jobs: Int, _ body: @Sendable (Int) throws -> Value
) throws -> [Value] {
  let state = Mutex<(next: Int, values: [Value?], error: (any Error)?)>((0, Array(repeating: nil, count: count), nil))
  DispatchQueue.concurrentPerform(iterations: min(jobs, count)) { _ in
    while true {
      let index = state.withLock { state -> Int? in
        guard state.next < count, state.error == nil else { return nil }
        defer { state.next += 1 }
        return state.next
      }
      guard let index else { return }
      do {
        let value = try body(index)
        state.withLock { $0.values[index] = value }
      } catch {
        state.withLock { $0.error = $0.error ?? error }
      }
    }
  }
  return try state.withLock { state in
    if let error = state.error { throw error }
    return state.values.map { $0! }
  }
}
