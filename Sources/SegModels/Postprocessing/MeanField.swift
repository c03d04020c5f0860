import SegEngine

/// The marginals of a ``DenseCRF`` and their mean-field update.
///
/// A row holds the marginals of one pixel, padded with zeros to ``stride(of:)`` floats, so that vector kernels need no
/// remainder loop.
struct MeanField {
  /// log p, `[pixel, stride]`.
  let unary: Tensor
  private var marginals: Tensor
  private let classes: Int
  private let device: ComputeDevice

  /// The number of floats in a row for a number of classes.
  static func stride(of classes: Int) -> Int { classes <= 4 ? classes : (classes + 7) / 8 * 8 }

  /// Starts from the probabilities, `[height, width, classes]`.
  init(_ probabilities: Tensor, minimum: Float, on device: ComputeDevice) {
    let classes = probabilities.shape[2]
    let stride = MeanField.stride(of: classes)
    let pixels = probabilities.shape.rows
    var logarithms = Tensor(uninitialized: [pixels, stride])
    var marginals = Tensor(zeros: [pixels, stride])
    probabilities.withUnsafeElements(of: Float.self) { p in
      logarithms.withUnsafeMutableElements(of: Float.self) { unary in
        marginals.withUnsafeMutableElements(of: Float.self) { q in
          device.workers.forEachRange(pixels, grain: 1024) { range, _ in
            let rows = unary.baseAddress! + range.lowerBound * stride
            for pixel in range {
              for c in 0..<stride {
                // log 1 = 0 fills the padding.
                unary[pixel * stride + c] = c < classes ? max(p[pixel * classes + c], minimum) : 1
              }
            }
            device.kernels.map(.log, rows, rows, count: range.count * stride)
            device.kernels.softmax(
              logarithm: false, rows, xStride: stride, q.baseAddress! + range.lowerBound * stride, yStride: stride,
              rows: range.count, channels: classes)
          }
        }
      }
    }
    unary = logarithms
    self.marginals = marginals
    self.classes = classes
    self.device = device
  }

  /// One iteration: updates the marginals of all pixels.
  mutating func update(by messages: inout some PairwiseMessages) {
    let (classes, stride, device) = (classes, unary.shape[1], device)
    let pixels = unary.shape[0]
    messages.prepare(marginals)
    marginals.withUnsafeMutableElements(of: Float.self) { [messages] q in
      // Pieces are small, so that the input of the softmax is still in the cache.
      device.workers.forEach((pixels + 511) / 512) { piece, _ in
        let range = piece * 512..<min(pixels, (piece + 1) * 512)
        let rows = q.baseAddress! + range.lowerBound * stride
        messages.write(range, to: rows)
        device.kernels.softmax(
          logarithm: false, rows, xStride: stride, rows, yStride: stride, rows: range.count, channels: classes)
      }
    }
  }

  /// The marginals without padding.
  func marginals(shape: Shape) -> Tensor {
    let (classes, stride) = (classes, unary.shape[1])
    if stride == classes { return marginals.reshaped(to: shape) }
    return marginals.withElements(of: Float.self) { values in
      Tensor(shape) { (result: inout MutableSpan<Float>) in
        for pixel in 0..<shape.rows {
          for c in 0..<classes { result[pixel * classes + c] = values[pixel * stride + c] }
        }
      }
    }
  }
}
