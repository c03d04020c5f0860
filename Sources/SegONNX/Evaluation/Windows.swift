import SegEngine

/// The windows of a kernel over an image with any number of spatial axes, for poolings that the engine does not
/// support.
///
/// Windows are paired with the image's elements under them, as runs along the last axis.
struct Windows {
  /// Consecutive windows along the last axis, and the elements under one tap of the kernel.
  struct Run {
    /// The index of the tap in the kernel.
    let tap: Int
    /// The index of the first window. The indices of the others are consecutive.
    let window: Int
    /// The offset of the element under the tap in the first window. The others follow with the stride ``pace``.
    let source: Int
    /// The number of windows.
    let count: Int
  }

  /// The extents of the image's spatial axes.
  var image: [Int]
  let kernel: [Int]
  let strides: [Int]
  let dilations: [Int]
  /// The padding before each axis.
  var before: [Int]
  /// The padding after each axis.
  var after: [Int]
  /// The number of windows along each axis.
  var counts: [Int]

  /// Reads the attributes of a node for an image of the given extents.
  init(
    _ call: ONNXCall, image: [Int], kernel weights: [Int]? = nil, dilated: Bool = true
  ) throws(ONNXFailure) {
    let rank = image.count
    guard rank > 0 else { throw ONNXFailure("its operand has no spatial axes") }
    func list(_ name: String, _ value: Int, _ count: Int, from least: Int) throws(ONNXFailure) -> [Int] {
      let values = try call.attributes.ints(name) ?? []
      if values.isEmpty { return [Int](repeating: value, count: count) }
      guard values.count == count, values.allSatisfy({ $0 >= least && $0 < 1 << 31 }) else {
        throw ONNXFailure("its \(name) \(values) do not fit \(rank) spatial axes")
      }
      return values
    }
    kernel = try call.attributes.has("kernel_shape") ? list("kernel_shape", 1, rank, from: 1) : weights ?? []
    guard kernel.count == rank, weights == nil || weights == kernel, kernel.allSatisfy({ $0 >= 1 && $0 < 1 << 31 })
    else {
      throw ONNXFailure("its kernel \(kernel) does not fit \(rank) spatial axes and its weights")
    }
    guard image.allSatisfy({ $0 < 1 << 40 }) else { throw ONNXFailure("an image of \(image) is too large") }
    strides = try list("strides", 1, rank, from: 1)
    dilations = dilated ? try list("dilations", 1, rank, from: 1) : [Int](repeating: 1, count: rank)
    let pads = try list("pads", 0, 2 * rank, from: 0)
    (before, after) = (Array(pads[..<rank]), Array(pads[rank...]))
    self.image = image
    counts = []
  }

  /// Returns the extent of the dilated kernel.
  func reach(_ axis: Int) -> Int { (kernel[axis] - 1) * dilations[axis] + 1 }

  /// Sets ``counts``, and resolves the padding of `auto_pad` (MaxPool-12).
  mutating func count(_ call: ONNXCall) throws(ONNXFailure) {
    let mode = try call.attributes.string("auto_pad", default: "NOTSET")
    let roundsUp = try call.attributes.flag("ceil_mode")
    for axis in image.indices {
      let (extent, stride) = (image[axis], strides[axis])
      switch mode {
      case "SAME_UPPER", "SAME_LOWER":
        let count = (extent + stride - 1) / stride
        let padding = max(0, (count - 1) * stride + reach(axis) - extent)
        before[axis] = mode == "SAME_UPPER" ? padding / 2 : padding - padding / 2
        after[axis] = padding - before[axis]
        counts.append(count)
        continue
      case "VALID": (before[axis], after[axis]) = (0, 0)
      case "NOTSET", "": break
      default: throw ONNXFailure("its padding \(mode) is not supported")
      }
      let room = extent + before[axis] + after[axis] - reach(axis)
      guard room >= 0 else {
        throw ONNXFailure("a kernel of \(kernel) with dilations \(dilations) does not fit an image of \(image)")
      }
      var count = (roundsUp ? room + stride - 1 : room) / stride + 1
      // A window that starts in the padding after the image is omitted (MaxPool-12).
      if roundsUp, (count - 1) * stride >= extent + before[axis] { count -= 1 }
      counts.append(count)
    }
  }

  /// Returns all runs, ordered by tap.
  func runs(_ call: ONNXCall) throws(ONNXFailure) -> [Run] {
    let kernelShape = try call.shape(kernel)
    let windows = try call.shape(counts)
    let last = image.count - 1
    guard windows.elementCount > 0, !image.contains(0) else { return [] }
    let rows = windows.elementCount / counts[last]
    let (total, overflow) = kernelShape.elementCount.multipliedReportingOverflow(by: rows)
    guard !overflow, total <= 1 << 23 else { throw ONNXFailure("a kernel of \(kernel) over \(image) is too large") }
    let imageStrides = Shape(image).strides
    let kernelStrides = kernelShape.strides
    let windowStrides = windows.strides
    var runs: [Run] = []
    for tap in 0..<kernelShape.elementCount {
      var (starts, sources) = ([0], [0])
      for axis in image.indices {
        let shift = tap / kernelStrides[axis] % kernel[axis] * dilations[axis] - before[axis]
        // The range of windows whose element under the tap is inside the image.
        let low = shift >= 0 ? 0 : (-shift + strides[axis] - 1) / strides[axis]
        let high = shift >= image[axis] ? 0 : min(counts[axis], (image[axis] - 1 - shift) / strides[axis] + 1)
        guard low < high else {
          starts = []
          break
        }
        if axis == last {
          for (start, source) in zip(starts, sources) {
            runs.append(
              Run(tap: tap, window: start + low, source: source + low * strides[axis] + shift, count: high - low))
          }
        } else {
          var (nextStarts, nextSources): ([Int], [Int]) = ([], [])
          for (start, source) in zip(starts, sources) {
            for window in low..<high {
              nextStarts.append(start + window * windowStrides[axis])
              nextSources.append(source + (window * strides[axis] + shift) * imageStrides[axis])
            }
          }
          (starts, sources) = (nextStarts, nextSources)
        }
      }
    }
    return runs
  }

  /// The distance between the elements of a run.
  var pace: Int { strides[strides.count - 1] }
}
