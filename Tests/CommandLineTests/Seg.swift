import Foundation
import Testing

#if canImport(Glibc)
import Glibc
#elseif canImport(Darwin)
import Darwin
#endif

/// Programs as a shell would start them.
enum Program {
  /// What became of a run.
  struct Result {
    /// The exit code, or `nil` where a signal ended the program.
    let exitCode: Int32?
    /// The signal that ended the program.
    let signal: Int32?
    let output: String
    let errors: String

    /// The lines on the standard error stream; `nil` where the last one does not end.
    var errorLines: [String]? {
      if errors.isEmpty { return [] }
      guard errors.hasSuffix("\n") else { return nil }
      return errors.dropLast().split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    }

    /// The output as JSON.
    func json<Value: Decodable>(_ type: Value.Type = Value.self) throws -> Value {
      let decoder = JSONDecoder()
      decoder.keyDecodingStrategy = .convertFromSnakeCase
      return try decoder.decode(type, from: Data(output.utf8))
    }
  }

  /// Runs a program to its end. Neither stream is a terminal.
  ///
  /// - Parameters:
  ///   - input: Its standard input, which is empty where none is given.
  ///   - output: Where its output goes instead of into the result.
  ///   - seconds: After this time it is ended, which fails the test.
  static func run(
    _ executable: URL, _ arguments: [String], in folder: String? = nil, environment: [String: String] = [:],
    input: String = "", output: FileHandle? = nil, seconds: Double = 120
  ) throws -> Result {
    // Files, not pipes: a program that says much would otherwise wait for its reader.
    let files = try ["", "", input].map { text in
      let url = FileManager.default.temporaryDirectory.appending(path: "seg-stream-\(UUID().uuidString)")
      try Data(text.utf8).write(to: url)
      return url
    }
    defer { for file in files { try? FileManager.default.removeItem(at: file) } }
    let process = Process()
    process.executableURL = executable
    process.arguments = arguments
    if let folder { process.currentDirectoryURL = URL(filePath: folder) }
    process.environment = ProcessInfo.processInfo.environment.filter { $0.key != "SEG_NUM_THREADS" }
      .merging(environment) { $1 }
    process.standardInput = try FileHandle(forReadingFrom: files[2])
    process.standardOutput = try output ?? FileHandle(forWritingTo: files[0])
    process.standardError = try FileHandle(forWritingTo: files[1])
    let ended = DispatchSemaphore(value: 0)
    process.terminationHandler = { _ in ended.signal() }
    try process.run()
    if ended.wait(timeout: .now() + seconds) == .timedOut {
      kill(process.processIdentifier, SIGKILL)
      ended.wait()
      Issue.record("\(executable.lastPathComponent) \(arguments) did not end within \(seconds) s")
    }
    let isExit = process.terminationReason == .exit
    return Result(
      exitCode: isExit ? process.terminationStatus : nil, signal: isExit ? nil : process.terminationStatus,
      output: String(decoding: try Data(contentsOf: files[0]), as: UTF8.self),
      errors: String(decoding: try Data(contentsOf: files[1]), as: UTF8.self))
  }
}

/// Runs `seg`, which is built beside the tests.
func seg(
  _ arguments: String..., in folder: String? = nil, environment: [String: String] = [:], output: FileHandle? = nil
) throws -> Program.Result {
  try seg(arguments, in: folder, environment: environment, output: output)
}

/// Runs `seg`, which is built beside the tests, without the profile of a machine that has been calibrated: it would choose other
/// algorithms than the library by itself, which round differently.
func seg(
  _ arguments: [String], in folder: String? = nil, environment: [String: String] = [:], input: String = "",
  output: FileHandle? = nil
) throws -> Program.Result {
  let noProfiles = FileManager.default.temporaryDirectory.appending(path: "seg-no-profiles").path
  return try Program.run(
    Repository.products.appending(path: "seg"), arguments, in: folder,
    environment: ["XDG_CACHE_HOME": noProfiles].merging(environment) { $1 }, input: input, output: output)
}

/// Checks that a run succeeded and said nothing on the standard error stream.
func expectSuccess(_ result: Program.Result, sourceLocation: SourceLocation = #_sourceLocation) {
  #expect(result.exitCode == 0, "\(result.errors)", sourceLocation: sourceLocation)
  #expect(result.errors == "", sourceLocation: sourceLocation)
}

/// Checks that a run failed with one clear line, which holds all of `parts`, and with an exit code of the documentation.
func expectFailure(
  _ result: Program.Result, _ exitCode: Int32, _ parts: [String], sourceLocation: SourceLocation = #_sourceLocation
) {
  #expect(result.signal == nil, "\(result.errors)", sourceLocation: sourceLocation)
  #expect(result.exitCode == exitCode, "\(result.errors)", sourceLocation: sourceLocation)
  let lines = result.errorLines
  #expect(lines?.count == 1, "\(result.errors)", sourceLocation: sourceLocation)
  let line = lines?.first ?? ""
  #expect(line.hasPrefix("seg: ") && line.count > 10, "\(line)", sourceLocation: sourceLocation)
  for part in parts { #expect(line.contains(part), "\(line)", sourceLocation: sourceLocation) }
}

/// Places in the repository and its build.
enum Repository {
  /// The repository itself.
  static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent()

  /// Where executables are built: beside the bundle of these tests.
  static let products: URL = {
    let bundle = Bundle.allBundles.map(\.bundleURL).first { $0.pathExtension == "xctest" }
    return bundle?.deletingLastPathComponent()
      ?? URL(filePath: CommandLine.arguments[0]).resolvingSymlinksInPath().deletingLastPathComponent()
  }()

  /// A file of the repository.
  static func path(_ relative: String) -> String { root.appending(path: relative).path(percentEncoded: false) }

  static let weights = path("Examples/pupil/pupil-unet.safetensors")
  static let frames = [
    "HQL073_250515_004_eye_45595", "HQL086_sleep250909_011_eye_29786", "HQL086_whiskerb250923_005_eye_46658",
  ]

  /// The image of an example frame.
  static func image(_ frame: Int) -> String { path("Examples/pupil/images/\(frames[frame]).png") }

  /// The mask of an example frame.
  static func mask(_ frame: Int) -> String { path("Examples/pupil/masks/\(frames[frame]).png") }
}

/// A new folder that goes with this object.
final class Folder {
  let url: URL

  init() throws {
    url = FileManager.default.temporaryDirectory.appending(path: "seg-test-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(at: url) }

  /// The folder's own path, without an ending slash.
  var path: String { url.path(percentEncoded: false).trimmingSuffix("/") }

  /// A path within.
  func path(_ relative: String) -> String { url.appending(path: relative).path(percentEncoded: false) }

  /// Makes a file, and the folders above it, and gives its path.
  @discardableResult func add(_ relative: String, _ bytes: [UInt8]) throws -> String {
    let path = path(relative)
    try FileManager.default.createDirectory(
      at: url.appending(path: relative).deletingLastPathComponent(), withIntermediateDirectories: true)
    try Data(bytes).write(to: URL(filePath: path))
    return path
  }

  /// Copies a file to a path within, and gives that.
  @discardableResult func add(_ relative: String, copyOf source: String) throws -> String {
    try add(relative, try bytes(source))
  }

  /// Makes a folder within and gives its path.
  @discardableResult func addFolder(_ relative: String) throws -> String {
    try FileManager.default.createDirectory(at: url.appending(path: relative), withIntermediateDirectories: true)
    return path(relative)
  }

  /// All that lies below, by relative path, with the contents of files.
  func contents() throws -> [String: Data?] {
    var result: [String: Data?] = [:]
    for case let relative as String in FileManager.default.enumerator(atPath: path) ?? .init() {
      result[relative] = .some(FileManager.default.contents(atPath: path(relative)))
    }
    return result
  }
}

/// The contents of a file.
func bytes(_ path: String) throws -> [UInt8] { Array(try Data(contentsOf: URL(filePath: path))) }

extension String {
  fileprivate func trimmingSuffix(_ suffix: String) -> String {
    hasSuffix(suffix) ? String(dropLast(suffix.count)) : self
  }
}
