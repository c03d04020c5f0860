import ArgumentParser
import SegEngine
import SegIO
import SegTraining

extension TrainingConfiguration.SampleRange: ExpressibleByArgument {}

/// The data set of a training on the command line.
struct TrainingDataOptions: ParsableArguments {
  @Option(help: ArgumentHelp("How the names of the images end; others are passed over.", valueName: "text"))
  var imageSuffix: String?

  @Option(help: ArgumentHelp("How the names of the masks end; others are passed over.", valueName: "text"))
  var maskSuffix: String?

  @Option(help: ArgumentHelp("The number of classes; by default the largest label and one.", valueName: "count"))
  var classes: Int?

  @Option(help: ArgumentHelp("The names of the classes, as background,nucleus.", valueName: "names"))
  var classNames: String?

  @Option(help: ArgumentHelp("Labels that count for nothing: 0,255, or `none`. By default 255.", valueName: "labels"))
  var ignore: LabelList?

  @Flag(help: "Labels that are not 0 are foreground, such as 255.")
  var binary = false

  @Option(
    help: """
      The scaling of images: `white` becomes 1; or the `imageMaximum` does; or their `percentiles` 0.1 % and 99.9 % become 0 and 1, for \
      micrographs of any exposure. By default white.
      """)
  var range: TrainingConfiguration.SampleRange?

  @Option(
    help: ArgumentHelp(
      "Resize images to this height and width, with their aspect ratio kept, before crops are cut.", valueName: "pixels"
    ))
  var size: Int?

  @Option(help: ArgumentHelp("The share of images to validate with; by default 0.2.", valueName: "share"))
  var validation: Double?

  @Option(
    help: ArgumentHelp(
      "Images whose names begin with the same characters, this many, are on one side of the split.", valueName: "count")
  )
  var groupBy: Int?

  var isEmpty: Bool {
    imageSuffix == nil && maskSuffix == nil && classes == nil && classNames == nil && ignore == nil && !binary
      && validation == nil && groupBy == nil && range == nil && size == nil
  }

  func validate() throws {
    if let classes, !(2...4096).contains(classes) { throw ValidationError("--classes is 2 to 4096, not \(classes)") }
    if let groupBy, groupBy < 1 { throw ValidationError("--group-by is positive, not \(groupBy)") }
  }

  func apply(to configuration: inout TrainingConfiguration) throws {
    func set<Value>(_ path: WritableKeyPath<TrainingConfiguration, Value?>, _ value: Value?) {
      if let value { configuration[keyPath: path] = value }
    }
    set(\.layout.imageSuffix, imageSuffix)
    set(\.layout.maskSuffix, maskSuffix)
    set(\.layout.groupPrefix, groupBy)
    if let validation { configuration.layout.validation = validation }
    set(\.classes, classes)
    set(\.classNames, classNames.map { $0.split(separator: ",").map(String.init) })
    set(\.size, size)
    if let range { configuration.range = range }
    if let ignore { configuration.ignored = ignore.labels }
    if binary { configuration.isBinary = true }
  }
}
