import Foundation
import Testing

@testable import SegFiles

@Suite struct FileSystemTests {
  /// "café" in Latin-1.
  private let latin = String(fileSystemBytes: [0x63, 0x61, 0x66, 0xE9])

  @Test func namesThatAreNoTextAreFoundAndRead() throws {
    try withTemporaryFolder { folder in
      let directory = joined(folder, latin)
      try FileSystem.makeDirectory(joined(directory, "b/c"))
      for name in ["z", "é", latin, "A"] { try FileSystem.write(Array(name.utf8), to: joined(directory, name)) }
      // In the order of bytes, in which é begins with C3.
      #expect(try FileSystem.names(in: directory) == ["A", "b", latin, "z", "é"])
      #expect(try FileSystem.contents(of: joined(directory, latin)) == Array(latin.utf8))
      #expect(FileSystem.kind(of: joined(directory, latin)) == .file && FileSystem.isDirectory(directory))
      #expect(!FileSystem.exists(joined(folder, "cafe")))
    }
  }

  @Test func whatCannotBeReadIsSaid() throws {
    try withTemporaryFolder { folder in
      #expect(throws: FileError.self) { try FileSystem.names(in: folder + "/none") }
      #expect(throws: FileError.self) { try FileSystem.contents(of: folder + "/none") }
      // No path has a zero byte.
      #expect(!FileSystem.exists(folder + "\0x"))
      try write([1], to: folder + "/file")
      let error = #expect(throws: FileError.self) { try FileSystem.makeDirectory(folder + "/file/below") }
      #expect(error?.description.hasPrefix("\(folder)/file/below: the directory cannot be made: ") == true)
      try FileSystem.makeDirectory(folder)
    }
  }

  @Test func pathsAreComparedBehindTheirLinks() throws {
    try withTemporaryFolder { folder in
      let home = FileSystem.resolved(folder)
      try FileSystem.makeDirectory(joined(folder, latin))
      try FileManager.default.createSymbolicLink(atPath: joined(folder, "link"), withDestinationPath: ".")
      #expect(FileSystem.resolved(joined(folder, "link/\(latin)/..//\(latin)/")) == joined(home, latin))
      #expect(FileSystem.resolved(joined(folder, "link/none/x.png")) == joined(home, "none/x.png"))
      #expect(FileSystem.resolved(joined(folder, "none/../x.png")) == joined(home, "x.png"))
      #expect(FileSystem.resolved("none") == joined(FileSystem.resolved("."), "none"))
      #expect(FileSystem.resolved("/") == "/")
    }
  }
}
