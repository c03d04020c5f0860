import ArgumentParser
import SegEngine
import SegIO
import SegModels
import SegTraining

/// An error as a one-line message and an exit code of `sysexits.h`.
struct Failure: Error {
  /// The kinds of errors, with their exit codes.
  enum Kind: Int32 {
    case usage = 64
    case badInput = 65
    case unreadableInput = 66
    case `internal` = 70
    case unwritableOutput = 73
  }

  let kind: Kind
  let message: String

  var exitCode: ExitCode { ExitCode(kind.rawValue) }

  /// Makes a failure. The message is reduced to one line, because names of files and tensors may contain line breaks.
  init(_ kind: Kind, _ message: String) {
    self.kind = kind
    self.message = String(
      String.UnicodeScalarView(
        message.unicodeScalars.map { scalar in
          switch scalar.properties.generalCategory {
          case .control, .lineSeparator, .paragraphSeparator: " "
          default: scalar
          }
        }))
  }

  /// Makes a failure of an error of this package; `nil` for any other error.
  init?(_ error: any Error) {
    switch error {
    case let failure as Failure: self = failure
    case let error as ImageError:
      self.init(Failure.isFileError(error) ? .unreadableInput : .badInput, error.description)
    case let error as WeightsError:
      self.init(Failure.isFileError(error) ? .unreadableInput : .badInput, error.description)
    case let error as ONNXError:
      switch error.cause {
      case .file: self.init(.unreadableInput, error.description)
      case .segmentation: self.init(.badInput, error.description + "; `seg run` runs any network on arrays")
      default: self.init(.badInput, error.description)
      }
    case let error as ONNXExportError:
      if case .file = error {
        self.init(.unwritableOutput, error.description)
      } else {
        self.init(.badInput, error.description)
      }
    case let error as NetworkError: self.init(error)
    case let error as FileError: self.init(.unreadableInput, error.description)
    case let error as DatasetError:
      if case .file = error.cause {
        self.init(.unreadableInput, error.description)
      } else {
        self.init(.badInput, error.description + Failure.hint(error))
      }
    case let error as LabelColorsError:
      if case .file = error.cause {
        self.init(.unreadableInput, error.description)
      } else {
        self.init(.badInput, error.description)
      }
    case let error as ProfileError:
      if case .file = error {
        self.init(.unreadableInput, error.description)
      } else {
        self.init(.badInput, error.description)
      }
    case let error as TrainingDataError: self.init(.badInput, error.description + Failure.hint(error))
    case let error as TrainingConfigurationError: self.init(.usage, error.description)
    case let error as TrainingOutputError: self.init(.unwritableOutput, error.description)
    case let error as TrainingFailure: self.init(.badInput, error.description)
    case let error as TrainingError: self.init(.badInput, error.description)
    case GraphError.graph(let error): self.init(error)
    default:
      guard Failure.namesNoFile(error) else { return nil }
      self.init(.badInput, "\(error)")
    }
  }

  /// Makes a failure of a network's name, file or weights. The message names the missing option.
  private init(_ error: NetworkError) {
    switch error {
    case .weights(_, _, let classes?): self.init(.badInput, "\(error): --classes \(classes)")
    case .weights(_, CheckpointError.severalFit, nil): self.init(.badInput, "\(error) (--checkpoint-key)")
    case .weights, .trained: self.init(.badInput, "\(error)")
    case .classes, .classesOfFile: self.init(.usage, "--classes: \(error)")
    case .noWeights, .weightsOfFile: self.init(.usage, "--weights: \(error)")
    case .threshold: self.init(.usage, "--threshold: \(error)")
    case .noSize, .size: self.init(.usage, "--size: \(error)")
    case .unknownName, .settings: self.init(.usage, "\(error)")
    }
  }

  /// Runs code that writes an output. Its errors are reported as errors of the output.
  static func writing<Result>(_ body: () throws -> Result) throws -> Result {
    do {
      return try body()
    } catch {
      throw Failure(.unwritableOutput, "\(error)")
    }
  }

  /// Adds the file's name to errors that do not have one.
  static func about<Result>(_ path: String, _ body: () throws -> Result) throws -> Result {
    do {
      return try body()
    } catch GraphError.graph(let error) {
      throw error
    } catch  where namesNoFile(error) {
      throw Failure(.badInput, "\(path): \(error)")
    }
  }

  /// Returns whether an error is one of the engine or the networks, whose messages name no file.
  private static func namesNoFile(_ error: any Error) -> Bool {
    switch error {
    case is GraphError, is ParameterError, is CheckpointError, is MetricError, is PredictionError, is CRFError: true
    default: false
    }
  }

  /// Prints the message to the standard error stream.
  func report() { printError("seg: \(message)") }

  /// Returns the options that help to pair images with masks.
  private static func hint(_ error: DatasetError) -> String {
    switch error.cause {
    case .noMask, .noImage, .severalMasks, .severalImages: " (--image-suffix and --mask-suffix say how names end)"
    case .file, .noImages: ""
    }
  }

  /// Returns the options that say what labels mean.
  private static func hint(_ error: TrainingDataError) -> String {
    switch error {
    case .onlyIgnored(_, let label): ": --binary takes \(label) for foreground, --ignore \(label) leaves it out"
    case .label(_, let label, _): ": --ignore \(label) leaves it out, and --classes is larger otherwise"
    case .noLabels: ": --ignore none counts all labels"
    default: ""
    }
  }

  private static func isFileError(_ error: ImageError) -> Bool {
    if case .file = error.cause { true } else { false }
  }

  private static func isFileError(_ error: WeightsError) -> Bool {
    if case .file = error.cause { true } else { false }
  }
}
