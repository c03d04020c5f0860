/// A binary heap that gives its smallest element first.
struct MinimumHeap<Element: Comparable> {
  /// The children of the element at i are at 2i + 1 and 2i + 2 and are not smaller.
  private var elements: [Element]

  /// Makes a heap of elements in any order.
  init(_ elements: [Element]) {
    // A sorted array is a heap.
    self.elements = elements.sorted()
  }

  mutating func insert(_ element: Element) {
    elements.append(element)
    var index = elements.count - 1
    while index > 0, elements[index] < elements[(index - 1) / 2] {
      elements.swapAt(index, (index - 1) / 2)
      index = (index - 1) / 2
    }
  }

  /// Removes and returns the smallest element; `nil` if the heap is empty.
  mutating func popMinimum() -> Element? {
    guard let last = elements.popLast() else { return nil }
    guard let result = elements.first else { return last }
    elements[0] = last
    var index = 0
    while true {
      var child = 2 * index + 1
      guard child < elements.count else { break }
      if child + 1 < elements.count, elements[child + 1] < elements[child] { child += 1 }
      guard elements[child] < elements[index] else { break }
      elements.swapAt(index, child)
      index = child
    }
    return result
  }
}
