import Foundation
import SegEngine
import Testing

@testable import SegFiles
@testable import SegImages
@testable import SegWeights

/// Files that appear whole or not at all, under no name before that where the file system can do so, and under one of their own
/// elsewhere.
@Suite struct AtomicFileTests {
  private func create(_ path: String, _ bytes: [UInt8], unnamed: Bool) throws {
    let file = try AtomicFile(replacing: path, unnamed: unnamed)
    try file.append(bytes)
    try file.commit()
  }

  @Test(arguments: [true, false]) func aNewFileAndOneThatIsReplaced(unnamed: Bool) throws {
    try withTemporaryFolder { folder in
      let path = folder + "/x"
      for contents in [[1, 2, 3], [], [UInt8](repeating: 7, count: 3_000_000)] as [[UInt8]] {
        try create(path, contents, unnamed: unnamed)
        #expect(try Fixtures.bytes(path) == contents)
        #expect(try names(in: folder) == ["x"])
      }
    }
  }

  @Test(arguments: [true, false]) func whatIsNotCommittedLeavesNothing(unnamed: Bool) throws {
    try withTemporaryFolder { folder in
      try write([9], to: folder + "/x")
      do {
        let file = try AtomicFile(replacing: folder + "/x", unnamed: unnamed)
        try file.append([1, 2, 3])
        #if os(Linux)
        if unnamed { #expect(try names(in: folder) == ["x"]) }
        #endif
      }
      #expect(try names(in: folder) == ["x"])
      #expect(try Fixtures.bytes(folder + "/x") == [9])
    }
  }

  /// The longest name that there is, and one that is longer.
  @Test(arguments: [true, false]) func longNames(unnamed: Bool) throws {
    try withTemporaryFolder { folder in
      let name = String(repeating: "n", count: 255)
      for contents in [[1], [2, 2]] as [[UInt8]] {
        try create(folder + "/" + name, contents, unnamed: unnamed)
        #expect(try Fixtures.bytes(folder + "/" + name) == contents)
      }
      let error = #expect(throws: FileError.self) {
        try create(folder + "/" + name + "n", [1], unnamed: unnamed)
      }
      #expect(error?.description.hasSuffix("cannot be written: File name too long") == true)
      #expect(try names(in: folder) == [name])
    }
  }

  @Test(arguments: [true, false]) func aLinkKeepsLeadingToTheFile(unnamed: Bool) throws {
    try withTemporaryFolder { folder in
      try FileSystem.makeDirectory(folder + "/there")
      try write([1], to: folder + "/there/file")
      try FileManager.default.createSymbolicLink(atPath: folder + "/link", withDestinationPath: "there/file")
      try create(folder + "/link", [5, 6], unnamed: unnamed)
      #expect(try Fixtures.bytes(folder + "/there/file") == [5, 6])
      #expect(try FileManager.default.destinationOfSymbolicLink(atPath: folder + "/link") == "there/file")
      #expect(try names(in: folder + "/there") == ["file"])
    }
  }

  @Test func permissionsAreThoseOfANewFile() throws {
    try withTemporaryFolder { folder in
      try write([1], to: folder + "/usual")
      try create(folder + "/whole", [1], unnamed: true)
      func permissions(_ name: String) throws -> Int? {
        try FileManager.default.attributesOfItem(atPath: folder + "/" + name)[.posixPermissions] as? Int
      }
      #expect(try permissions("whole") == permissions("usual"))
    }
  }

  /// A program that is told to end takes its unfinished files away.
  @Test func pendingFilesAreRemoved() throws {
    try withTemporaryFolder { folder in
      let file = try AtomicFile(replacing: folder + "/x", unnamed: false)
      try file.append([1])
      let pending = try names(in: folder)
      #expect(pending.count == 1 && pending[0].hasPrefix(".seg-") && pending[0].utf8.count < 24)
      // Those of tests beside this one stay.
      PendingFiles.removeAll(below: folder + "/")
      #expect(try names(in: folder) == [])
      do {
        try file.commit()
        Issue.record("a file that is gone has got its name")
      } catch {
        #expect("\(error)".contains("cannot be replaced"))
      }
    }
  }

  /// Archives are written into the same files.
  @Test func archivesLeaveNothingBeside() throws {
    try withTemporaryFolder { folder in
      let name = String(repeating: "a", count: 251) + ".npz"
      let arrays = ["a": Tensor([2, 3], (0..<6).map { Float($0) }), "b": Tensor([1], [Int64(7)])]
      for _ in 0..<2 {
        try NPZ(arrays).write(to: folder + "/" + name)
        #expect(try names(in: folder) == [name])
        #expect(try NPZ(contentsOf: folder + "/" + name).arrays["a"]?.elements(of: Float.self) == [0, 1, 2, 3, 4, 5])
      }
    }
  }

  @Test("a folder, a device and a folder that is not there are errors that name the path")
  func impossible() throws {
    try withTemporaryFolder { folder in
      for (path, reason) in [
        (folder, "is a directory"), ("/dev/null", "is not a regular file"),
        (folder + "/none/file", "No such file or directory"),
      ] {
        let error = try #require(throws: FileError.self) { try AtomicFile.create(path, containing: [1]) }
        #expect(error.description.hasPrefix(path))
        #expect(error.description.contains(reason))
      }
      #expect(try names(in: folder) == [])
    }
  }

  @Test("writers of every format report a folder that is not there and leave nothing")
  func writers() throws {
    let image = Image(width: 1, height: 1, layout: .grey, samples: .uint8([0]))
    let parameters = Parameters(["w": Tensor([1], [Float(1)])])
    try withTemporaryFolder { (folder) throws in
      #expect(throws: ImageError.self) { try image.writePNG(to: folder + "/none/a.png") }
      #expect(throws: ImageError.self) { try LabelMap(width: 1, height: 1).writePNG(to: folder) }
      #expect(throws: WeightsError.self) { try parameters.write(to: folder + "/none/a.safetensors") }
      #expect(throws: WeightsError.self) { try parameters.write(to: folder + "/none/a.npz") }
      #expect(try names(in: folder) == [])
    }
  }
}
