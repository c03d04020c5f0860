import Foundation
import Testing

@testable import SegFiles
@testable import SegONNX

/// Where the constants of a model may lie besides the model: what each layout of files and links allows, and what it must not.
@Suite struct ONNXExternalDataTests {
  /// A folder of its own that is removed at the end, with links followed.
  private func withFolder(_ body: (String) throws -> Void) throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent(
      "external-\(UInt64.random(in: 0...(.max)))")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    try body(FileSystem.resolved(folder.path))
  }

  private func file(_ path: String) throws {
    try FileManager.default.createDirectory(
      atPath: parentDirectory(of: path), withIntermediateDirectories: true)
    try Data("x".utf8).write(to: URL(fileURLWithPath: path))
  }

  private func link(_ path: String, to target: String) throws {
    try FileManager.default.createDirectory(
      atPath: parentDirectory(of: path), withIntermediateDirectories: true)
    try FileManager.default.createSymbolicLink(atPath: path, withDestinationPath: target)
  }

  @Test func dataBesideTheModelIsRead() throws {
    try withFolder { folder in
      try file(folder + "/model.onnx")
      try file(folder + "/parts/data")
      let data = ONNXExternalData(modelPath: folder + "/model.onnx")
      #expect(data.path(of: "parts/data") == folder + "/parts/data")
      #expect(data.path(of: "./parts/data") == folder + "/parts/data")
      // What is missing is reported by its name beside the model.
      #expect(data.path(of: "absent") == folder + "/absent")
    }
  }

  @Test func modelAndDataMayBeLinksIntoOneFolder() throws {
    try withFolder { folder in
      try file(folder + "/cache/blobs/a1")
      try file(folder + "/cache/blobs/b2")
      try link(folder + "/cache/snapshots/5e/onnx/model.onnx", to: "../../../blobs/a1")
      try link(folder + "/cache/snapshots/5e/onnx/data", to: "../../../blobs/b2")
      let data = ONNXExternalData(modelPath: folder + "/cache/snapshots/5e/onnx/model.onnx")
      #expect(data.path(of: "data") == folder + "/cache/blobs/b2")
    }
  }

  @Test func aCopiedModelReadsTheFilesOfItsCache() throws {
    try withFolder { folder in
      try file(folder + "/cache/blobs/b2")
      try file(folder + "/cache/snapshots/5e/model.onnx")
      try link(folder + "/cache/snapshots/5e/data", to: "../../blobs/b2")
      #expect(
        ONNXExternalData(modelPath: folder + "/cache/snapshots/5e/model.onnx").path(of: "data")
          == folder + "/cache/blobs/b2")
      // The same beside a folder of another name.
      try file(folder + "/other/5e/model.onnx")
      try file(folder + "/blobs/b2")
      try link(folder + "/other/5e/data", to: "../../blobs/b2")
      #expect(ONNXExternalData(modelPath: folder + "/other/5e/model.onnx").path(of: "data") == nil)
    }
  }

  @Test func dataMayLieBesideWhatTheModelLeadsTo() throws {
    try withFolder { folder in
      try file(folder + "/store/model.onnx")
      try file(folder + "/store/parts/data")
      try link(folder + "/work/model.onnx", to: "../store/model.onnx")
      let data = ONNXExternalData(modelPath: folder + "/work/model.onnx")
      #expect(data.path(of: "parts/data") == folder + "/store/parts/data")
    }
  }

  @Test func locationsThatClimbAreRefused() throws {
    try withFolder { folder in
      try file(folder + "/m/model.onnx")
      try file(folder + "/secret")
      let data = ONNXExternalData(modelPath: folder + "/m/model.onnx")
      for location in ["../secret", "a/../../secret", folder + "/secret", "..", "a\\..\\secret", "a\0b"] {
        #expect(data.path(of: location) == nil, "\(location)")
      }
    }
  }

  @Test func linksThatLeaveTheFoldersAreRefused() throws {
    try withFolder { folder in
      try file(folder + "/secret")
      try file(folder + "/m/model.onnx")
      try link(folder + "/m/data", to: "../secret")
      try link(folder + "/m/parts", to: "..")
      let data = ONNXExternalData(modelPath: folder + "/m/model.onnx")
      #expect(data.path(of: "data") == nil)
      #expect(data.path(of: "parts/secret") == nil)

      // A file of the cache that is a link to another place.
      try file(folder + "/cache/blobs/a1")
      try link(folder + "/cache/blobs/b2", to: "../../secret")
      try link(folder + "/cache/snapshots/5e/model.onnx", to: "../../blobs/a1")
      try link(folder + "/cache/snapshots/5e/data", to: "../../blobs/b2")
      #expect(ONNXExternalData(modelPath: folder + "/cache/snapshots/5e/model.onnx").path(of: "data") == nil)

      // A folder `blobs` that is a link to another place.
      try file(folder + "/elsewhere/key")
      try file(folder + "/fake/snapshots/5e/model.onnx")
      try link(folder + "/fake/blobs", to: "../elsewhere")
      try link(folder + "/fake/snapshots/5e/data", to: "../../blobs/key")
      #expect(ONNXExternalData(modelPath: folder + "/fake/snapshots/5e/model.onnx").path(of: "data") == nil)
    }
  }

  /// A model that is a link gives no way to what lies below or above the folder that it leads to.
  @Test func aLinkedModelOpensOneFolderOnly() throws {
    try withFolder { folder in
      try file(folder + "/home/model.onnx")
      try file(folder + "/home/private/key")
      try file(folder + "/top")
      try link(folder + "/work/model.onnx", to: "../home/model.onnx")
      try link(folder + "/work/key", to: "../home/private/key")
      try link(folder + "/work/top", to: "../top")
      let data = ONNXExternalData(modelPath: folder + "/work/model.onnx")
      #expect(data.path(of: "key") == nil)
      #expect(data.path(of: "top") == nil)
    }
  }
}
