import SegIO

/// Where the results of each image are written.
struct OutputPlan {
  /// The destination of the results.
  enum Destination: Equatable {
    case directory(String)
    /// One file, for one image and one format.
    case file(String)
    case standardOutput
  }

  let destination: Destination
  let formats: [OutputFormat]

  /// Plans the files of the images.
  ///
  /// - Parameters:
  ///   - output: A directory, the path of a file with an ending of the formats if there is one image, or `-` for standard output.
  ///   - formats: The formats that were asked for, if any.
  ///   - usual: The formats if none were asked for.
  /// - Throws: ``Failure`` if two images would be written to one file, or an output would overwrite an image.
  init(_ inputs: ImageInputs, output: String, formats asked: [OutputFormat]?, usual: [OutputFormat]) throws {
    let isSingle = inputs.items.count == 1 && !inputs.hasFolders
    if output == "-" {
      guard isSingle, asked.map({ $0.count == 1 }) ?? true else {
        throw Failure(.usage, "standard output takes the result of one image in one format (--output-format)")
      }
      destination = .standardOutput
      formats = asked ?? [usual[0]]
    } else if isSingle, !FileSystem.isDirectory(output),
      let format = OutputFormat.format(ofFile: output, among: asked ?? usual)
    {
      guard asked.map({ $0 == [format] }) ?? true else {
        throw Failure(.usage, "\(output): one file has one format, and its ending is that of \(format.rawValue)")
      }
      destination = .file(output)
      formats = [format]
    } else {
      destination = .directory(output)
      formats = asked ?? usual
    }
    try check(inputs)
  }

  /// Returns the file of a format of all images; `nil` for standard output.
  func path(of format: OutputFormat) -> String? {
    switch destination {
    case .directory(let directory): joined(directory, format.suffix)
    case .file(let path): path
    case .standardOutput: nil
    }
  }

  /// Returns the file of a format for an image; `nil` for standard output.
  func path(of format: OutputFormat, for item: ImageInputs.Item) -> String? {
    switch destination {
    case .directory(let directory): joined(directory, item.name + format.suffix)
    case .file(let path): path
    case .standardOutput: nil
    }
  }

  /// Makes the directories of all results.
  func makeDirectories(for inputs: ImageInputs) throws {
    switch destination {
    case .directory(let directory):
      try ImageFiles.makeDirectory(directory)
      for below in Set(inputs.items.map { parentDirectory(of: $0.name) }).sorted() where !below.isEmpty {
        try ImageFiles.makeDirectory(joined(directory, below))
      }
    case .file(let path): try ImageFiles.requirePlace(for: path)
    case .standardOutput: break
    }
  }

  /// Returns whether all results of an image exist.
  func isDone(_ item: ImageInputs.Item) -> Bool {
    formats.allSatisfy { format in !format.isOfAllImages && path(of: format, for: item).map(FileSystem.exists) ?? false
    }
  }

  private func check(_ inputs: ImageInputs) throws {
    let images = Dictionary(
      inputs.items.filter { $0.path != "-" }.map { (ImageFiles.resolved($0.path), $0.path) },
      uniquingKeysWith: { first, _ in first })
    var taken: [String: String] = [:]
    for item in inputs.items {
      for target in formats.filter({ !$0.isOfAllImages }).compactMap({ path(of: $0, for: item) }) {
        if let other = taken.updateValue(item.path, forKey: target) {
          throw Failure(.usage, "\(other) and \(item.path) would both be written as \(target)")
        }
        if let image = images[ImageFiles.resolved(target)] {
          throw Failure(.usage, "\(item.path): its result \(target) would replace the image \(image)")
        }
      }
    }
  }
}
