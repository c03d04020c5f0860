import Foundation
import SegEngine
import SegFiles

/// An error of a machine profile's file.
public enum ProfileError: Error, Sendable, CustomStringConvertible {
  /// The file cannot be read or written.
  case file(FileError)
  /// The file is not a profile.
  case malformed(path: String, reason: String)

  public var description: String {
    switch self {
    case .file(let error): "\(error)"
    case .malformed(let path, let reason): oneLine("\(path): \(reason)")
    }
  }
}

/// A machine profile with the backend and thread count that it was measured with. It does not apply to another processor or thread count.
public struct StoredProfile: Hashable, Sendable {
  /// The name of the calibrated backend.
  public let backend: String
  /// The number of threads of the calibration.
  public let threads: Int
  /// The profile.
  public let profile: MachineProfile
  /// The latency profile, if it was calibrated. Its profile for choosing algorithms is ``profile``.
  public let latency: LatencyProfile?

  /// Makes a stored profile.
  public init(backend: String, threads: Int, profile: MachineProfile, latency: LatencyProfile? = nil) {
    self.backend = backend
    self.threads = threads
    self.profile = profile
    self.latency = latency
  }

  private struct Contents: Codable {
    let backend: String
    let threads: Int
    let secondsPerUnit: [String: Double]
    let latency: StoredLatency?
  }

  /// The maximum size of a profile's file in bytes.
  private static let largestFile = 16 << 20

  /// Reads a profile that `write(to:)` wrote.
  ///
  /// - Throws: ``ProfileError`` if the file cannot be read, is not a profile, or lacks the coefficient of a feature.
  public init(contentsOf path: String) throws(ProfileError) {
    let bytes: FileBytes
    do throws(FileError) {
      bytes = try FileBytes(reading: path, limit: StoredProfile.largestFile)
    } catch {
      throw .file(error)
    }
    guard let contents = try? JSONDecoder().decode(Contents.self, from: Data(bytes.bytes)) else {
      throw .malformed(path: path, reason: "it is no profile in JSON")
    }
    let coefficients = WorkEstimate.featureNames.map { contents.secondsPerUnit[$0] ?? -1 }
    guard coefficients.count == contents.secondsPerUnit.count, coefficients.allSatisfy({ $0 >= 0 && $0.isFinite })
    else {
      throw .malformed(
        path: path,
        reason: "it has not one coefficient for each of \(WorkEstimate.featureNames.joined(separator: ", "))")
    }
    guard (1...WorkerPool.maximumThreadCount).contains(contents.threads) else {
      throw .malformed(path: path, reason: "it is for \(contents.threads) threads")
    }
    let profile = MachineProfile(secondsPerUnit: coefficients)
    var latency: LatencyProfile?
    if let stored = contents.latency {
      do throws(StoredLatency.Problem) {
        latency = try stored.profile(choosing: profile)
      } catch {
        throw .malformed(path: path, reason: error.reason)
      }
    }
    self.init(backend: contents.backend, threads: contents.threads, profile: profile, latency: latency)
  }

  /// Writes the profile as JSON, completely or not at all.
  ///
  /// - Throws: ``ProfileError`` if the file cannot be written.
  public func write(to path: String) throws(ProfileError) {
    let contents = Contents(
      backend: backend, threads: threads,
      secondsPerUnit: Dictionary(uniqueKeysWithValues: zip(WorkEstimate.featureNames, profile.secondsPerUnit)),
      latency: latency.map(StoredLatency.init))
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
    guard let data = try? encoder.encode(contents) else {
      throw .malformed(path: path, reason: "its coefficients are no numbers that JSON has")
    }
    do throws(FileError) {
      let directory = parentDirectory(of: path)
      if !directory.isEmpty { try FileSystem.makeDirectory(directory) }
      try AtomicFile.create(path, containing: Array(data))
    } catch {
      throw .file(error)
    }
  }

  /// Returns the default path of this user's profile: `swift-segmentation/profile-N-threads.json` in the user's cache directory
  /// (`$XDG_CACHE_HOME`, `~/.cache`, on macOS `~/Library/Caches`).
  public static func defaultPath(threads: Int) -> String {
    let home = FileSystem.environment("HOME").flatMap { $0.isEmpty ? nil : $0 } ?? NSHomeDirectory()
    #if os(macOS)
    let caches = home + "/Library/Caches"
    #else
    let caches = FileSystem.environment("XDG_CACHE_HOME").flatMap { $0.hasPrefix("/") ? $0 : nil } ?? home + "/.cache"
    #endif
    return caches + "/swift-segmentation/profile-\(threads)-threads.json"
  }
}

extension MachineProfile {
  /// Returns the profile that is stored for this backend on this machine, or `standard` if none applies.
  public static func stored(for backend: any Backend) -> MachineProfile {
    let threads = backend.workers.threadCount
    guard let stored = try? StoredProfile(contentsOf: StoredProfile.defaultPath(threads: threads)),
      stored.backend == backend.name, stored.threads == threads
    else { return .standard }
    return stored.profile
  }
}
