import ArgumentParser
import SegEngine
import SegIO

/// The axis order of a named network's feature maps in a file of arrays.
enum ArrayLayout: String, ExpressibleByArgument, CaseIterable {
  case nhwc, nchw

  /// Throws an error if an order is given for an ONNX file, which has its own.
  func require(for source: NetworkSource) throws {
    if case .file(let file) = source, self == .nchw {
      throw Failure(.usage, "\(file.path) keeps its own order of axes: no --layout")
    }
  }

  /// Converts arrays of a file to the network's order.
  func read(_ arrays: [String: Tensor]) -> [String: Tensor] { arrays.mapValues { permuted($0, [0, 2, 3, 1]) } }

  /// Converts arrays of the network to the file's order.
  func written(_ arrays: [String: Tensor]) -> [String: Tensor] { arrays.mapValues { permuted($0, [0, 3, 1, 2]) } }

  private func permuted(_ tensor: Tensor, _ permutation: [Int]) -> Tensor {
    self == .nchw && tensor.shape.rank == permutation.count ? tensor.transposed(permutation) : tensor
  }
}

/// Returns the arrays of a file by the names of a network's inputs. If there is only one array, it may have any name.
func inputArrays(_ path: String, for names: [String], layout: ArrayLayout) throws -> [String: Tensor] {
  var arrays = try NPZ(contentsOf: path).arrays
  if names.count == 1, arrays.count == 1, let only = arrays.first { arrays = [names[0]: only.value] }
  return layout.read(arrays)
}
