import CSegKernels
import Foundation
import Testing

@testable import SegEngine

/// Processors by the quota of control groups, read from trees of files as the kernel has them.
struct ProcessLimitTests {
  /// Writes a tree of control groups and gives the processors that it allows.
  private func processors(_ groups: String, _ files: [String: String]) throws -> Int {
    let folder = FileManager.default.temporaryDirectory.appending(path: "groups-\(UUID().uuidString)")
    defer { try? FileManager.default.removeItem(at: folder) }
    for (path, contents) in files {
      let file = folder.appending(path: "mount/\(path)")
      try FileManager.default.createDirectory(
        at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
      try Data(contents.utf8).write(to: file)
    }
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    let list = folder.appending(path: "cgroup").path
    try Data(groups.utf8).write(to: URL(filePath: list))
    return seg_quota_processors(list, folder.appending(path: "mount").path)
  }

  @Test func secondVersion() throws {
    #expect(try processors("0::/a/b\n", ["a/b/cpu.max": "200000 100000\n"]) == 2)
    // Part of a processor is one: who has less than its time is slowed down, not stopped.
    #expect(try processors("0::/a\n", ["a/cpu.max": "150000 100000\n"]) == 2)
    #expect(try processors("0::/a\n", ["a/cpu.max": "5000 100000\n"]) == 1)
    #expect(try processors("0::/a\n", ["a/cpu.max": "max 100000\n"]) == 0)
    // The least of a group and those above it.
    #expect(
      try processors(
        "0::/a/b/c\n",
        ["a/b/c/cpu.max": "max 100000\n", "a/b/cpu.max": "300000 100000\n", "a/cpu.max": "800000 100000\n"])
        == 3)
    // In a container: the group is the mount's root, whatever it is called outside.
    #expect(try processors("0::/\n", ["cpu.max": "400000 100000\n"]) == 4)
    #expect(try processors("0::/outside/name\n", ["cpu.max": "400000 100000\n"]) == 4)
    #expect(try processors("0::/a\n", [:]) == 0)
    #expect(try processors("", [:]) == 0)
  }

  @Test func firstVersion() throws {
    let groups = "12:cpuset:/x\n4:cpu,cpuacct:/docker/1\n1:name=systemd:/\n"
    func files(_ quota: String) -> [String: String] {
      [
        "cpu,cpuacct/docker/1/cpu.cfs_quota_us": quota, "cpu,cpuacct/docker/1/cpu.cfs_period_us": "50000\n",
      ]
    }
    #expect(try processors(groups, files("100000\n")) == 2)
    #expect(try processors(groups, files("-1\n")) == 0)
    #expect(try processors("3:cpuset:/docker/1\n", files("100000\n")) == 0)
  }

  @Test func whatIsNoFileSaysNothing() {
    #expect(seg_quota_processors("/nonexistent", "/nonexistent") == 0)
  }

  @Test func threadsComeFromTheEnvironmentOrNot() {
    #expect(WorkerPool.defaultThreadCount >= 1)
    #expect(ThreadCountError(text: "foo").description.contains("\"foo\""))
  }
}
