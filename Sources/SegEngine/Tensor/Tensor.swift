/// A dense array of numbers in row-major order, with value semantics.
///
/// Feature maps are `[batch, height, width, channels]`. Copies share memory until one of them is written. Memory that a
/// tensor allocates is aligned to 64 bytes; a tensor over a memory-mapped file keeps the alignment it has there, which is at
/// least that of its element.
public struct Tensor: Sendable {
  /// Extents, outermost first.
  public let shape: Shape

  /// Type of the elements.
  public let elementType: ElementType

  private(set) var storage: TensorStorage

  /// Number of elements.
  public var count: Int { shape.elementCount }

  /// Size of the elements in bytes.
  public var byteCount: Int { count * elementType.byteCount }

  /// Shape and element type together.
  public var spec: TensorSpec { TensorSpec(shape, elementType) }

  /// A tensor of zeros.
  public init(zeros shape: Shape, of elementType: ElementType = .float32) {
    self.init(uninitialized: shape, of: elementType)
    storage.bytes.initializeMemory(as: UInt8.self, repeating: 0, count: storage.byteCount)
  }

  /// A tensor whose elements are all `value`.
  public init<Element: TensorElement>(_ shape: Shape, repeating value: Element) {
    self.init(uninitialized: shape, of: Element.elementType)
    storage.bytes.initializeMemory(as: Element.self, repeating: value, count: count)
  }

  /// A tensor with the given elements in row-major order.
  ///
  /// - Precondition: there are as many elements as the shape has.
  public init<Element: TensorElement>(_ shape: Shape, _ elements: some Sequence<Element>) {
    self.init(uninitialized: shape, of: Element.elementType)
    let buffer = UnsafeMutableBufferPointer(
      start: storage.bytes.bindMemory(to: Element.self, capacity: count), count: count)
    var (rest, end) = buffer.initialize(from: elements)
    precondition(end == count && rest.next() == nil, "\(shape) needs \(count) elements")
  }

  /// A tensor of one element and rank 0.
  public init<Element: TensorElement>(scalar value: Element) { self.init([], [value]) }

  /// A tensor whose memory the caller writes at once, in row-major order.
  public init<Element: TensorElement>(
    _ shape: Shape, of type: Element.Type = Element.self,
    initializingWith body: (inout MutableSpan<Element>) throws -> Void
  ) rethrows {
    self.init(zeros: shape, of: Element.elementType)
    try withMutableElements(of: type, body)
  }

  /// A tensor over memory that `owner` keeps alive and nobody writes. `bytes` is aligned for the element type.
  package init(_ shape: Shape, of elementType: ElementType, borrowing bytes: UnsafeRawPointer, owner: AnyObject) {
    self.shape = shape
    self.elementType = elementType
    storage = TensorStorage(borrowing: bytes, byteCount: shape.elementCount * elementType.byteCount, owner: owner)
  }

  /// A tensor in memory that the caller keeps while the tensor or a copy of it exists, and that nobody else uses meanwhile. `bytes` is
  /// aligned for the element type; its contents are undefined.
  package init(_ spec: TensorSpec, writingTo bytes: UnsafeMutableRawPointer) {
    shape = spec.shape
    elementType = spec.elementType
    storage = TensorStorage(writingTo: bytes, byteCount: spec.byteCount)
  }

  /// A tensor with undefined contents, to be written whole before it is read.
  package init(uninitialized shape: Shape, of elementType: ElementType = .float32) {
    self.shape = shape
    self.elementType = elementType
    storage = TensorStorage(byteCount: shape.elementCount * elementType.byteCount)
  }

  /// A tensor over memory that others may have too.
  init(_ shape: Shape, _ elementType: ElementType, _ storage: TensorStorage) {
    self.shape = shape
    self.elementType = elementType
    self.storage = storage
  }

  /// Reads the elements in row-major order.
  ///
  /// - Precondition: the tensor holds elements of type `Element`.
  public func withElements<Element: TensorElement, Result>(
    of type: Element.Type = Element.self, _ body: (Span<Element>) throws -> Result
  ) rethrows -> Result {
    try withUnsafeElements(of: type) { try body($0.span) }
  }

  /// Reads and writes the elements in row-major order. Memory shared with another tensor is copied first.
  ///
  /// - Precondition: the tensor holds elements of type `Element`.
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
  /// - Precondition: the tensor holds elements of type `Element`.
  public func elements<Element: TensorElement>(of type: Element.Type = Element.self) -> [Element] {
    withUnsafeElements(of: type) { Array($0) }
  }

  /// One element, by an index along each axis.
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

  /// The same elements in the same order under another shape. Shares memory.
  ///
  /// - Precondition: both shapes have the same number of elements.
  public func reshaped(to shape: Shape) -> Tensor {
    precondition(shape.elementCount == count, "\(self.shape) cannot be seen as \(shape)")
    return Tensor(shape, elementType, storage)
  }

  package func withUnsafeElements<Element: TensorElement, Result>(
    of type: Element.Type = Element.self, _ body: (UnsafeBufferPointer<Element>) throws -> Result
  ) rethrows -> Result {
    precondition(Element.elementType == elementType, "a tensor of \(elementType) is not one of \(Element.elementType)")
    let count = count
    return try withExtendedLifetime(storage) {
      try body(UnsafeBufferPointer(start: $0.bytes.assumingMemoryBound(to: Element.self), count: count))
    }
  }

  package mutating func withUnsafeMutableElements<Element: TensorElement, Result>(
    of type: Element.Type = Element.self, _ body: (UnsafeMutableBufferPointer<Element>) throws -> Result
  ) rethrows -> Result {
    precondition(Element.elementType == elementType, "a tensor of \(elementType) is not one of \(Element.elementType)")
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
  /// Equal in element type, shape and every bit of the elements.
  public static func == (a: Tensor, b: Tensor) -> Bool {
    guard a.spec == b.spec else { return false }
    return a.withUnsafeBytes { a in b.withUnsafeBytes { b in a.elementsEqual(b) } }
  }
}

extension Tensor: CustomStringConvertible {
  public var description: String { "Tensor(\(elementType) \(shape))" }
}
