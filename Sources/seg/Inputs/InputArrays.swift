import ArgumentParser
import SegEngine
import SegIO

/// The order of axes that a named network's feature maps have in a file of arrays.
enum ArrayLayout: String, ExpressibleByArgument, CaseIterable {
  case nhwc, nchw

  /// Refuses an order for an ONNX file, which has its own.
  func require(for source: NetworkSource) throws {
    if case .file(let file) = source, self == .nchw {
      throw Failure(.usage, "\(file.path) keeps its own order of axes: no --layout")
    }
  }

  /// Arrays of a file in the network's order.
  func read(_ arrays: [String: Tensor]) -> [String: Tensor] { arrays.mapValues { permuted($0, [0, 2, 3, 1]) } }

  /// Arrays of the network in the file's order.
  func written(_ arrays: [String: Tensor]) -> [String: Tensor] { arrays.mapValues { permuted($0, [0, 3, 1, 2]) } }

  private func permuted(_ tensor: Tensor, _ permutation: [Int]) -> Tensor {
    self == .nchw && tensor.shape.rank == permutation.count ? tensor.transposed(permutation) : tensor
  }
}

/// The arrays of a file as a network's inputs by name; a file of one array may name it as it likes.
func inputArrays(_ path: String, for names: [String], layout: ArrayLayout) throws -> [String: Tensor] {
  var arrays = try NPZ(contentsOf: path).arrays
  if names.count == 1, arrays.count == 1, let only = arrays.first { arrays = [names[0]: only.value] }
  return layout.read(arrays)
}
