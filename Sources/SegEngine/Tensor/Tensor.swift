/// A dense row-major array with value semantics.
///
/// Feature maps are `[batch, height, width, channels]`. Copies share memory until one of them is written. Allocated
/// memory is aligned to 64 bytes. A tensor over a memory-mapped file has the alignment of the file, which is at least
/// that of its element type.
public struct Tensor: Sendable {
  /// The extents, outermost first.
  public let shape: Shape

  /// The type of the elements.
  public let elementType: ElementType

  private(set) var storage: TensorStorage

  /// The number of elements.
  public var count: Int { shape.elementCount }

  /// The size of the elements in bytes.
  public var byteCount: Int { count * elementType.byteCount }

  /// The shape and element type.
  public var spec: TensorSpec { TensorSpec(shape, elementType) }

  /// Creates a tensor of zeros.
  public init(zeros shape: Shape, of elementType: ElementType = .float32) {
    self.init(uninitialized: shape, of: elementType)
    storage.bytes.initializeMemory(as: UInt8.self, repeating: 0, count: storage.byteCount)
  }

  /// Creates a tensor whose elements are all `value`.
  public init<Element: TensorElement>(_ shape: Shape, repeating value: Element) {
    self.init(uninitialized: shape, of: Element.elementType)
    storage.bytes.initializeMemory(as: Element.self, repeating: value, count: count)
  }

  /// Creates a tensor from elements in row-major order.
  ///
  /// - Precondition: The number of elements is that of the shape.
  public init<Element: TensorElement>(_ shape: Shape, _ elements: some Sequence<Element>) {
    self.init(uninitialized: shape, of: Element.elementType)
    let buffer = UnsafeMutableBufferPointer(
      start: storage.bytes.bindMemory(to: Element.self, capacity: count), count: count)
    var (rest, end) = buffer.initialize(from: elements)
    precondition(end == count && rest.next() == nil, "\(shape) needs \(count) elements")
  }

  /// Creates a scalar: a tensor of rank 0 with one element.
  public init<Element: TensorElement>(scalar value: Element) { self.init([], [value]) }

  /// Creates a tensor whose elements the closure initialises, in row-major order.
  public init<Element: TensorElement>(
    _ shape: Shape, of type: Element.Type = Element.self,
    initializingWith body: (inout MutableSpan<Element>) throws -> Void
  ) rethrows {
    self.init(zeros: shape, of: Element.elementType)
    try withMutableElements(of: type, body)
  }

  /// Creates a tensor over read-only memory that `owner` keeps alive. `bytes` must be aligned for the element type.
  package init(_ shape: Shape, of elementType: ElementType, borrowing bytes: UnsafeRawPointer, owner: AnyObject) {
    self.shape = shape
    self.elementType = elementType
    storage = TensorStorage(borrowing: bytes, byteCount: shape.elementCount * elementType.byteCount, owner: owner)
  }

  /// Creates a tensor over memory that the caller owns and must keep until the last copy of the tensor is released,
  /// without accessing it in between. `bytes` must be aligned for the element type. The contents are undefined.
  package init(_ spec: TensorSpec, writingTo bytes: UnsafeMutableRawPointer) {
    shape = spec.shape
    elementType = spec.elementType
    storage = TensorStorage(writingTo: bytes, byteCount: spec.byteCount)
  }

  /// Creates a tensor with undefined contents, which must be written before they are read.
  package init(uninitialized shape: Shape, of elementType: ElementType = .float32) {
    self.shape = shape
    self.elementType = elementType
    storage = TensorStorage(byteCount: shape.elementCount * elementType.byteCount)
  }

  /// Creates a tensor over storage that other tensors may share.
  init(_ shape: Shape, _ elementType: ElementType, _ storage: TensorStorage) {
    self.shape = shape
    self.elementType = elementType
    self.storage = storage
  }

  /// Calls `body` with the elements in row-major order.
  ///
  /// - Precondition: The element type is `Element`.
  public func withElements<Element: TensorElement, Result>(
    of type: Element.Type = Element.self, _ body: (Span<Element>) throws -> Result
  ) rethrows -> Result {
    try withUnsafeElements(of: type) { try body($0.span) }
  }

  /// Calls `body` with the elements, for reading and writing, in row-major order. Shared memory is copied first.
  ///
  /// - Precondition: The element type is `Element`.
  public mutating func withMutableElements<Element: TensorElement, Result>(
    of type: Element.Type = Element.self, _ body: (inout MutableSpan<Element>) throws -> Result
  ) rethrows -> Result {
    try withUnsafeMutableElements(of: type) {
      var span = $0.mutableSpan
      return try body(&span)
    }
  }

  /// The elements in row-major order, as an array.
  ///
  /// - Precondition: The element type is `Element`.
  public func elements<Element: TensorElement>(of type: Element.Type = Element.self) -> [Element] {
    withUnsafeElements(of: type) { Array($0) }
  }

  /// The element at an index along each axis.
  public subscript<Element: TensorElement>(indices: Int...) -> Element {
    get {
      let offset = offset(of: indices)
      return withUnsafeElements(of: Element.self) { $0[offset] }
    }
    set {
      let offset = offset(of: indices)
      withUnsafeMutableElements(of: Element.self) { $0[offset] = newValue }
    }
  }

  /// The same elements in the same order with another shape. Shares memory.
  ///
  /// - Precondition: Both shapes have the same number of elements.
  public func reshaped(to shape: Shape) -> Tensor {
    precondition(shape.elementCount == count, "cannot reshape \(self.shape) to \(shape)")
    return Tensor(shape, elementType, storage)
  }

  package func withUnsafeElements<Element: TensorElement, Result>(
    of type: Element.Type = Element.self, _ body: (UnsafeBufferPointer<Element>) throws -> Result
  ) rethrows -> Result {
    precondition(
      Element.elementType == elementType, "a tensor of \(elementType) cannot be accessed as \(Element.elementType)")
    let count = count
    return try withExtendedLifetime(storage) {
      try body(UnsafeBufferPointer(start: $0.bytes.assumingMemoryBound(to: Element.self), count: count))
    }
  }

  package mutating func withUnsafeMutableElements<Element: TensorElement, Result>(
    of type: Element.Type = Element.self, _ body: (UnsafeMutableBufferPointer<Element>) throws -> Result
  ) rethrows -> Result {
    precondition(
      Element.elementType == elementType, "a tensor of \(elementType) cannot be accessed as \(Element.elementType)")
    let count = count
    return try withUnsafeMutableBytes {
      try body(UnsafeMutableBufferPointer(start: $0.baseAddress!.assumingMemoryBound(to: Element.self), count: count))
    }
  }

  package func withUnsafeBytes<Result>(_ body: (UnsafeRawBufferPointer) throws -> Result) rethrows -> Result {
    let byteCount = byteCount
    return try withExtendedLifetime(storage) {
      try body(UnsafeRawBufferPointer(start: $0.bytes, count: byteCount))
    }
  }

  package mutating func withUnsafeMutableBytes<Result>(
    _ body: (UnsafeMutableRawBufferPointer) throws -> Result
  ) rethrows -> Result {
    if !storage.isWritable || !isKnownUniquelyReferenced(&storage) { storage = storage.copy() }
    let byteCount = byteCount
    return try withExtendedLifetime(storage) {
      try body(UnsafeMutableRawBufferPointer(start: $0.bytes, count: byteCount))
    }
  }

  private func offset(of indices: [Int]) -> Int {
    precondition(indices.count == shape.rank, "\(indices.count) indices for a tensor of rank \(shape.rank)")
    var offset = 0
    for (axis, index) in indices.enumerated() {
      precondition((0..<shape[axis]).contains(index), "index \(index) is outside axis \(axis) of \(shape)")
      offset = offset * shape[axis] + index
    }
    return offset
  }
}

extension Tensor: Equatable {
  /// Whether element type, shape and all bits of the elements are equal.
  public static func == (a: Tensor, b: Tensor) -> Bool {
    guard a.spec == b.spec else { return false }
    return a.withUnsafeBytes { a in b.withUnsafeBytes { b in a.elementsEqual(b) } }
  }
}

extension Tensor: CustomStringConvertible {
  public var description: String { "Tensor(\(elementType) \(shape))" }
}
