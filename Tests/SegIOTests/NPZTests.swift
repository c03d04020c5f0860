import SegEngine
import Testing

@testable import SegFiles
@testable import SegWeights

@Suite("NumPy arrays and archives")
struct NPZTests {
  @Test("archives that NumPy wrote", arguments: ["arrays.npz", "deflated.npz"])
  func fixtures(_ name: String) throws {
    try expect(try NPZ(contentsOf: Fixtures.weights(name)).arrays, areThoseOf: name)
  }

  @Test("all versions of the array format", arguments: 1...3)
  func versions(_ version: Int) throws {
    let name = "version\(version).npy"
    try expect(["": try Tensor(npyFile: Fixtures.weights(name))], areThoseOf: name)
  }

  @Test("what is written is read back, byte for byte the same each time", arguments: [false, true])
  func roundTrip(compressed: Bool) throws {
    try withTemporaryFolder { folder in
      let path = folder + "/a.npz"
      try NPZ(assortedTensors).write(to: path, compressed: compressed)
      let first = try Fixtures.bytes(path)
      #expect(try NPZ(contentsOf: path).arrays == assortedTensors)
      try NPZ(assortedTensors).write(to: path, compressed: compressed)
      #expect(try Fixtures.bytes(path) == first)
      #expect(try names(in: folder) == ["a.npz"])
    }
  }

  @Test("a single array is read back", arguments: assortedTensors.keys.sorted())
  func array(_ name: String) throws {
    let tensor = try #require(assortedTensors[name])
    try withTemporaryFolder { folder in
      try tensor.writeNPY(to: folder + "/a.npy")
      #expect(try Tensor(npyFile: folder + "/a.npy") == tensor)
      #expect(NPY.prefix(for: tensor).count.isMultiple(of: 64))
    }
  }

  @Test("an empty archive holds nothing")
  func empty() throws {
    try withTemporaryFolder { folder in
      try NPZ([:]).write(to: folder + "/a.npz")
      #expect(try NPZ(contentsOf: folder + "/a.npz").arrays.isEmpty)
    }
  }

  @Test(
    "Python objects, records and complex numbers are named",
    arguments: [("objects.npy", "Python objects"), ("records.npy", "records"), ("complex.npy", "<c8")])
  func unsupported(_ name: String, _ reason: String) throws {
    let error = try #require(throws: WeightsError.self) { try Tensor(npyFile: Fixtures.weights(name)) }
    #expect(error.description.contains(reason))
    #expect(error.description.contains("not supported"))
  }

  @Test(
    "headers that contradict themselves or the file",
    arguments: [
      "{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }",
      "{'descr': '<f4', 'fortran_order': False, 'shape': (1152921504606846976,), }",
      "{'descr': '<f4', 'fortran_order': False, 'shape': (4294967296, 4294967296), }",
      "{'descr': '<f4', 'fortran_order': False, 'shape': (-1,), }",
      "{'descr': '<f4', 'fortran_order': False, }",
      "{'descr': '<f4', 'fortran_order': 0, 'shape': (1,), }",
      "{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (1,), }",
      "{'descr': '<f4', 'fortran_order': False, 'shape': (1,), 'more': 1}",
      "{'descr': '<f4', 'fortran_order': False, 'shape': (1,), ", "{'descr", "", "(", "{'descr': '<f4'} x",
    ])
  func contradictions(_ header: String) throws {
    let bytes = NPY.magic + [1, 0, UInt8(header.utf8.count), 0] + Array(header.utf8) + [0, 0, 0, 0]
    #expect(throws: FormatFailure.self) { try NPY.tensor(from: FileBytes(bytes)) }
  }

  @Test("a header longer than the file")
  func headerLength() {
    let bytes = NPY.magic + [3, 0, 255, 255, 255, 255] + Array("{}".utf8)
    #expect(throws: FormatFailure.self) { try NPY.tensor(from: FileBytes(bytes)) }
  }
}
