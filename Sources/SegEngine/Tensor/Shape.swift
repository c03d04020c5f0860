/// The extents of a tensor's axes, outermost first.
///
/// Feature maps are row-major `[batch, height, width, channels]` (NHWC) throughout the engine, so the last axis is
/// contiguous in memory. A shape of rank 0 is a scalar with one element.
public struct Shape: Hashable, Sendable, ExpressibleByArrayLiteral, CustomStringConvertible {
  /// The extent of each axis, outermost first. Never negative.
  public let dimensions: [Int]

  /// Creates a shape from extents that are known to be valid.
  ///
  /// - Precondition: No extent is negative, and the number of elements fits in `Int`.
  public init(_ dimensions: [Int]) {
    precondition(dimensions.allSatisfy { $0 >= 0 }, "extents must not be negative: \(dimensions)")
    precondition(Shape.product(dimensions) != nil, "the number of elements of \(dimensions) overflows Int")
    self.dimensions = dimensions
  }

  /// Creates a shape from untrusted extents (a file, a command line).
  ///
  /// Returns `nil` if an extent is negative, or if the number of elements, or of bytes at eight bytes per element,
  /// overflows.
  public init?(validating dimensions: [Int]) {
    guard dimensions.allSatisfy({ $0 >= 0 }), let count = Shape.product(dimensions),
      !count.multipliedReportingOverflow(by: 8).overflow
    else { return nil }
    self.dimensions = dimensions
  }

  public init(arrayLiteral elements: Int...) { self.init(elements) }

  /// The number of axes.
  public var rank: Int { dimensions.count }

  /// The product of the extents; 1 for a scalar, 0 if an extent is 0.
  public var elementCount: Int { dimensions.reduce(1, *) }

  /// The extent of one axis.
  public subscript(axis: Int) -> Int { dimensions[axis] }

  /// The extent of the innermost axis, the channels of a feature map. 1 for a scalar.
  public var channels: Int { dimensions.last ?? 1 }

  /// The product of all axes but the innermost: the number of pixels (or tokens), each with `channels` elements.
  public var rows: Int { dimensions.dropLast().reduce(1, *) }

  /// Axis 0 of a feature map `[batch, height, width, channels]`.
  public var batch: Int { dimensions[0] }

  /// Axis 1 of a feature map `[batch, height, width, channels]`.
  public var height: Int { dimensions[1] }

  /// Axis 2 of a feature map `[batch, height, width, channels]`.
  public var width: Int { dimensions[2] }

  /// Row-major strides in elements.
  public var strides: [Int] {
    var strides = [Int](repeating: 1, count: rank)
    for axis in stride(from: rank - 2, through: 0, by: -1) {
      strides[axis] = strides[axis + 1] * dimensions[axis + 1]
    }
    return strides
  }

  /// The shape with another extent for one axis.
  public func replacing(axis: Int, with extent: Int) -> Shape {
    var dimensions = dimensions
    dimensions[axis] = extent
    return Shape(dimensions)
  }

  /// The axis as a non-negative index. Negative axes count from the end, as in NumPy; `nil` if there is no such axis.
  public func normalizedAxis(_ axis: Int) -> Int? {
    let normalized = axis < 0 ? axis + rank : axis
    return (0..<rank).contains(normalized) ? normalized : nil
  }

  /// The shape that two shapes broadcast to by NumPy's rule; `nil` if they are incompatible or the result is too large.
  public func broadcast(with other: Shape) -> Shape? {
    let rank = max(rank, other.rank)
    var result = [Int](repeating: 1, count: rank)
    for back in 1...max(rank, 1) where rank > 0 {
      let a = back <= self.rank ? dimensions[self.rank - back] : 1
      let b = back <= other.rank ? other.dimensions[other.rank - back] : 1
      guard a == b || a == 1 || b == 1 else { return nil }
      result[rank - back] = a == 1 ? b : a
    }
    return Shape(validating: result)
  }

  public var description: String { "[" + dimensions.map(String.init).joined(separator: ", ") + "]" }

  private static func product(_ dimensions: [Int]) -> Int? {
    var product = 1
    for extent in dimensions where extent != 0 {
      let (next, overflow) = product.multipliedReportingOverflow(by: extent)
      if overflow { return nil }
      product = next
    }
    return dimensions.contains(0) ? 0 : product
  }
}
