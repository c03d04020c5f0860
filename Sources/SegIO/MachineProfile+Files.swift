import Foundation
import SegEngine
import SegFiles

/// What can be wrong with the file of a machine's profile.
public enum ProfileError: Error, Sendable, CustomStringConvertible {
  /// It cannot be read or written.
  case file(FileError)
  /// It is no profile.
  case malformed(path: String, reason: String)

  public var description: String {
    switch self {
    case .file(let error): "\(error)"
    case .malformed(let path, let reason): oneLine("\(path): \(reason)")
    }
  }
}

/// A machine's profile with what it was made for: one of another processor or number of threads does not apply.
public struct StoredProfile: Hashable, Sendable {
  /// The name of the backend that was calibrated.
  public let backend: String
  /// The number of threads it ran on.
  public let threads: Int
  /// The profile.
  public let profile: MachineProfile
  /// What tells how long networks take, where that was calibrated; its choice is ``profile``.
  public let latency: LatencyProfile?

  /// Joins a profile with what it was made for.
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

  /// Larger than any profile is.
  private static let largestFile = 16 << 20

  /// Reads a profile that `write(to:)` wrote.
  ///
  /// - Throws: ``ProfileError`` where the file cannot be read, is no profile, or has not a coefficient for each feature.
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

  /// Writes the profile as JSON, whole or not at all.
  ///
  /// - Throws: ``ProfileError`` where the file cannot be written.
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

  /// Where the profile of this user's machine lies: `swift-segmentation/profile-N-threads.json` in the user's cache directory
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
  /// The profile that was stored for this backend on this machine, or `standard` where there is none that applies.
  public static func stored(for backend: any Backend) -> MachineProfile {
    let threads = backend.workers.threadCount
    guard let stored = try? StoredProfile(contentsOf: StoredProfile.defaultPath(threads: threads)),
      stored.backend == backend.name, stored.threads == threads
    else { return .standard }
    return stored.profile
  }
}
