/// Calls `body` for each run of equal elements of a map in column-major order: down each column, columns from the left,
/// across the ends of columns.
///
/// - Parameters:
///   - elements: `height * width` elements, row by row.
///   - body: Takes the element, the column-major position of the first pixel, and the number of pixels.
func forEachColumnRun<Element: Equatable>(
  of elements: [Element], width: Int, height: Int, _ body: (_ element: Element, _ start: Int, _ count: Int) -> Void
) {
  guard width > 0, height > 0 else { return }
  // Columns are gathered side by side, so that each cache line of the rows is read once.
  let block = 32
  var columns = [Element](repeating: elements[0], count: min(block, width) * height)
  var (current, start) = (elements[0], 0)
  for first in stride(from: 0, to: width, by: block) {
    let gathered = min(block, width - first)
    for row in 0..<height {
      let source = row * width + first
      for column in 0..<gathered { columns[column * height + row] = elements[source + column] }
    }
    for index in 0..<gathered * height where columns[index] != current {
      let position = first * height + index
      body(current, start, position - start)
      (current, start) = (columns[index], position)
    }
  }
  body(current, start, width * height - start)
}
