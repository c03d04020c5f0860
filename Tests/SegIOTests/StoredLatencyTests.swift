import Foundation
import SegEngine
import SegIO
import Testing

/// The model of latency in the file of a profile, and records of checks.
@Suite struct StoredLatencyTests {
  private func withPath(_ body: (String) throws -> Void) throws {
    let directory = NSTemporaryDirectory() + "latency-\(UInt64.random(in: 0 ... .max))"
    try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: directory) }
    try body(directory + "/profile.json")
  }

  private static let profile: LatencyProfile = {
    let grid = RateGrid(rows: [16, 64], columns: [8, 24, 96], rates: [[1e9, 2e9, 3e9], [1.5e9, 2.5e9, 3.25e9]])
    let count = StepDemand.featureNames.count
    func model(_ threads: Int) -> LatencyModel {
      LatencyModel(
        threads: threads,
        coefficients: [
          "winograd 4×4": (0..<count).map { Double($0) * 1.5e-10 },
          "Resize bilinear": [1e-6] + Array(repeating: 0, count: count - 1),
        ], fallback: (0..<count).map { 1e-9 / Double($0 + 1) })
    }
    return LatencyProfile(
      instructionSet: "avx2", choice: MachineProfile(secondsPerUnit: [1e-11, 2e-10, 0, 3.5e-11, 4e-11, 5e-11]),
      roofs: MachineRoofs(panelRate: grid, gemmRate: grid, bandwidth: grid), models: [model(1), model(2)])
  }()

  @Test func comesBackAsItWasWritten() throws {
    try withPath { path in
      let stored = StoredProfile(backend: "b", threads: 2, profile: Self.profile.choice, latency: Self.profile)
      try stored.write(to: path)
      #expect(try StoredProfile(contentsOf: path) == stored)
    }
  }

  /// Each part of a good file in turn made bad: an error that names the part, never a trap.
  @Test func whatIsWrongIsSaid() throws {
    try withPath { path in
      try StoredProfile(backend: "b", threads: 2, profile: Self.profile.choice, latency: Self.profile).write(to: path)
      let good = try #require(
        try JSONSerialization.jsonObject(with: Data(contentsOf: URL(filePath: path))) as? [String: Any])
      let latency = try #require(good["latency"] as? [String: Any])
      let grid = try #require(latency["panelRate"] as? [String: Any])
      let models = try #require(latency["models"] as? [[String: Any]])
      func changed(_ object: [String: Any], _ key: String, _ value: Any) -> [String: Any] {
        object.merging([key: value]) { $1 }
      }
      func model(_ key: String, _ value: Any) -> Any { [changed(models[0], key, value)] }
      let cases: [(key: String, value: Any, part: String)] = [
        ("panelRate", changed(grid, "rows", [64, 16]), "panelRate"),
        ("panelRate", changed(grid, "rows", [16]), "panelRate"),
        ("gemmRate", changed(grid, "rates", [[1, 2, 3], [1, 2]]), "gemmRate"),
        ("gemmRate", changed(grid, "rates", [[1, 2, 3], [1, 2, 0]]), "gemmRate"),
        ("bandwidth", changed(grid, "columns", []), "bandwidth"),
        ("bandwidth", 5, "no profile"),
        ("instructionSet", NSNull(), "no profile"),
        ("models", [], "no models"),
        ("models", [models[1], models[0]], "no models"),
        ("models", model("threads", 0), "no models"),
        ("models", model("threads", 1 << 40), "no models"),
        ("models", model("otherKinds", ["steps": -1]), "other kinds"),
        ("models", model("otherKinds", ["stepz": 1]), "stepz"),
        ("models", model("kinds", ["pointwise": ["panel_seconds": -0.5]]), "pointwise"),
        ("models", model("kinds", ["pointwise": "fast"]), "no profile"),
      ]
      for (key, value, part) in cases {
        let bad = changed(good, "latency", changed(latency, key, value))
        try JSONSerialization.data(withJSONObject: bad).write(to: URL(filePath: path))
        let error = #expect(throws: ProfileError.self, "\(key)") { try StoredProfile(contentsOf: path) }
        #expect(error?.description.contains(part) == true, "\(key): \(error?.description ?? "")")
      }
      for threads in [0, -1, 100_000] {
        try JSONSerialization.data(withJSONObject: changed(good, "threads", threads)).write(to: URL(filePath: path))
        #expect(throws: ProfileError.self) { try StoredProfile(contentsOf: path) }
      }
      try FileManager.default.removeItem(atPath: path)
      let missing = #expect(throws: ProfileError.self) { try StoredProfile(contentsOf: path) }
      guard case .file = missing else {
        Issue.record("a file that is missing is not \(String(describing: missing))")
        return
      }
    }
  }

  /// Damaged bytes of a good file: an error or a profile, never a trap.
  @Test func damageDoesNotTrap() throws {
    try withPath { path in
      try StoredProfile(backend: "b", threads: 2, profile: Self.profile.choice, latency: Self.profile).write(to: path)
      let good = try Data(contentsOf: URL(filePath: path))
      var generator = SeededGenerator(seed: 1)
      for _ in 0..<300 {
        var bytes = good
        for _ in 0..<Int.random(in: 1...3, using: &generator) {
          bytes[Int.random(in: 0..<bytes.count, using: &generator)] = UInt8.random(in: 32...126, using: &generator)
        }
        try bytes.write(to: URL(filePath: path))
        _ = try? StoredProfile(contentsOf: path)
      }
    }
  }

  // MARK: Records

  /// Against values worked out by hand: 1 − 6 Σ d² / (n (n² − 1)) where no numbers are equal.
  @Test func rankCorrelations() {
    #expect(LatencyRecord.rankCorrelation([1, 2, 3, 4], [10, 20, 30, 40]) == 1)
    #expect(LatencyRecord.rankCorrelation([1, 2, 3, 4], [4, 3, 2, 1]) == -1)
    #expect(abs(LatencyRecord.rankCorrelation([1, 2, 3, 4, 5], [2, 1, 4, 3, 5]) - (1 - 6.0 * 4 / 120)) < 1e-12)
    // Equal numbers share ranks: 0, 1.5, 1.5, 3 against 0, 1, 2, 3.
    #expect(abs(LatencyRecord.rankCorrelation([1, 2, 2, 3], [1, 2, 3, 4]) - 4.5 / (4.5 * 5.0).squareRoot()) < 1e-12)
    #expect([3.0, 1, 2].median == 2 && [4.0, 1, 2, 3].median == 2.5)
    #expect([Double]().median == 0)
  }

  @Test func aRecordComesBack() throws {
    try withPath { path in
      let record = LatencyRecord(
        machine: .init(Self.profile, backend: "b", threads: 2), networks: [], leftOut: ["large 512×512: too long"])
      try record.write(to: path)
      let back = try LatencyRecord(contentsOf: path)
      #expect(back.leftOut == record.leftOut && back.machine.bandwidth.count == 2 && back.stepCount == 0)
      try Data("[]".utf8).write(to: URL(filePath: path))
      #expect(throws: ProfileError.self) { try LatencyRecord(contentsOf: path) }
    }
  }

  /// Numbers that no machine has are refused before anything is computed of them.
  @Test func impossibleNumbersOfARecordAreErrors() throws {
    try withPath { path in
      let record = LatencyRecord(
        machine: .init(Self.profile, backend: "b", threads: 2), networks: [], leftOut: [])
      let network = """
        {"name": "n", "height": 8, "width": 8, "estimatedSeconds": 1, "measuredSeconds": 2, "medianSeconds": 2, \
        "estimatedArenaBytes": 1, "arenaBytes": 1, "estimatedPeakBytes": 1, "peakBytes": 0, "steps": []}
        """
      try record.write(to: path)
      let text = try String(contentsOfFile: path, encoding: .utf8)
      func failure(_ changes: (String, String)...) throws -> ProfileError? {
        var changed = text.replacingOccurrences(of: "\"networks\" : [\n\n  ]", with: "\"networks\" : [\(network)]")
        #expect(changed.contains(network))
        for (old, new) in changes {
          #expect(changed.contains(old))
          changed = changed.replacingOccurrences(of: old, with: new)
        }
        try Data(changed.utf8).write(to: URL(filePath: path))
        do throws(ProfileError) {
          _ = try LatencyRecord(contentsOf: path)
          return nil
        } catch {
          return error
        }
      }
      #expect(try failure() == nil)
      for (old, new) in [
        ("\"threads\" : 2", "\"threads\" : 0"), ("\"height\": 8", "\"height\": -8"),
        ("\"arenaBytes\": 1", "\"arenaBytes\": 9223372036854775807"),
        ("\"measuredSeconds\": 2", "\"measuredSeconds\": 0"),
        ("\"medianSeconds\": 2", "\"medianSeconds\": 1e300"), ("\"stepCount\" : 0", "\"stepCount\" : -1"),
      ] {
        let error = try #require(try failure((old, new)), "\(new)")
        #expect("\(error)".hasSuffix("it has times, sizes or rates that no machine has"))
      }
    }
  }
}
