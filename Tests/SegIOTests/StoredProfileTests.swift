import Foundation
import SegEngine
import SegIO
import Testing

@Suite struct StoredProfileTests {
  private func withPath(_ body: (String) throws -> Void) throws {
    let directory = NSTemporaryDirectory() + "profile-\(UInt64.random(in: 0 ... .max))"
    defer { try? FileManager.default.removeItem(atPath: directory) }
    try body(directory + "/deeper/profile.json")
  }

  @Test func comesBackAsItWasWritten() throws {
    try withPath { path in
      let profile = MachineProfile(secondsPerUnit: [1e-11, 2e-10, 0, 3.5e-11, 4e-11, 5e-11])
      let stored = StoredProfile(backend: "OpenBLAS (Zen), avx2 kernels", threads: 2, profile: profile)
      try stored.write(to: path)
      #expect(try StoredProfile(contentsOf: path) == stored)
    }
  }

  @Test func whatIsNoProfileIsRefused() throws {
    try withPath { path in
      #expect(throws: ProfileError.self) { try StoredProfile(contentsOf: path) }
      try FileManager.default.createDirectory(
        atPath: (path as NSString).deletingLastPathComponent, withIntermediateDirectories: true)
      for text in [
        "", "{}", "[1]", #"{"backend":"b","threads":2,"secondsPerUnit":{}}"#,
        #"{"backend":"b","threads":2,"secondsPerUnit":{"panel_macs":1,"panel_results":1,"gemm_macs":1,"vector_operations":1,"bytes_moved":1,"weight_bytes":-1}}"#,
        #"{"backend":"b","threads":2,"secondsPerUnit":{"panel_macs":1,"panel_results":1,"gemm_macs":1,"vector_operations":1,"bytes_moved":1,"weight_bytes":1,"more":1}}"#,
      ] {
        try Data(text.utf8).write(to: URL(fileURLWithPath: path))
        #expect(throws: ProfileError.self, "\(text)") { try StoredProfile(contentsOf: path) }
      }
    }
  }
}
