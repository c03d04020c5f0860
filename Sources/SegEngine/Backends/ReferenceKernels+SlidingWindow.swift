extension ReferenceKernels {
  package func depthwise(
    _ window: SlidingWindow, image: UnsafePointer<Float>, outputRow: Int, channels: Int, multiplier: Int,
    weights: UnsafePointer<Float>, _ epilogue: Epilogue, into result: Destination
  ) {
    let outputs = channels * multiplier
    for column in 0..<window.outputWidth {
      for o in 0..<outputs {
        var sum = 0.0
        window.forEachTap(outputRow: outputRow, column: column) { tap, position in
          let place = window.ringRows == 0 ? position : position % (window.ringRows * window.inputWidth)
          sum += Double(image[place * window.pixelStride + o / multiplier]) * Double(weights[tap * outputs + o])
        }
        result.row(column)[o] = epilogue(sum, row: column, column: o)
      }
    }
  }

  package func maxPool(
    _ window: SlidingWindow, image: UnsafePointer<Float>, outputRow: Int, channels: Int,
    _ y: UnsafeMutablePointer<Float>, yStride: Int, indices: UnsafeMutablePointer<Int32>?, indexStride: Int
  ) {
    for column in 0..<window.outputWidth {
      for c in 0..<channels {
        var largest = -Float.infinity
        var index: Int?
        window.forEachTap(outputRow: outputRow, column: column) { _, position in
          let value = image[position * window.pixelStride + c]
          if index == nil || value > largest || value.isNaN {
            largest = value
            index = position
          }
        }
        y[column * yStride + c] = largest
        indices?[column * indexStride + c] = Int32(index ?? 0)
      }
    }
  }

  package func averagePool(
    _ window: SlidingWindow, image: UnsafePointer<Float>, outputRow: Int, channels: Int, countingPadding: Bool,
    _ y: UnsafeMutablePointer<Float>, yStride: Int
  ) {
    for column in 0..<window.outputWidth {
      let inside = window.tapCount(outputRow: outputRow, column: column, insidePadding: false)
      let counted =
        countingPadding ? window.tapCount(outputRow: outputRow, column: column, insidePadding: true) : inside
      for c in 0..<channels {
        var sum = 0.0
        window.forEachTap(outputRow: outputRow, column: column) { _, position in
          sum += Double(image[position * window.pixelStride + c])
        }
        y[column * yStride + c] = Float(sum / Double(max(counted, 1)))
      }
    }
  }

  package func gatherPatches(
    _ window: SlidingWindow, image: UnsafePointer<Float>, first: Int, count: Int, channels: Int,
    _ patches: UnsafeMutablePointer<Float>
  ) {
    let taps = window.geometry.kernel.height * window.geometry.kernel.width
    for p in 0..<count {
      let patch = patches + p * taps * channels
      patch.update(repeating: 0, count: taps * channels)
      let (row, column) = (first + p).quotientAndRemainder(dividingBy: window.outputWidth)
      window.forEachTap(outputRow: row, column: column) { tap, position in
        for c in 0..<channels { patch[tap * channels + c] = image[position * window.pixelStride + c] }
      }
    }
  }
}

extension SlidingWindow {
  /// Calls `body` with each tap (counted row by row) inside the image, and its pixel's index.
  fileprivate func forEachTap(outputRow: Int, column: Int, _ body: (_ tap: Int, _ position: Int) -> Void) {
    for i in 0..<geometry.kernel.height {
      for j in 0..<geometry.kernel.width {
        let y = outputRow * geometry.stride.height - geometry.padding.top + i * geometry.dilation.height
        let x = column * geometry.stride.width - geometry.padding.left + j * geometry.dilation.width
        guard (0..<inputHeight).contains(y), (0..<inputWidth).contains(x) else { continue }
        body(i * geometry.kernel.width + j, y * inputWidth + x)
      }
    }
  }

  /// Counts the taps inside the image, or inside the padded image.
  fileprivate func tapCount(outputRow: Int, column: Int, insidePadding: Bool) -> Int {
    let padding = insidePadding ? geometry.padding : 0
    var count = 0
    for i in 0..<geometry.kernel.height {
      for j in 0..<geometry.kernel.width {
        let y = outputRow * geometry.stride.height - geometry.padding.top + i * geometry.dilation.height
        let x = column * geometry.stride.width - geometry.padding.left + j * geometry.dilation.width
        if y >= -padding.top, y < inputHeight + padding.bottom, x >= -padding.left, x < inputWidth + padding.right {
          count += 1
        }
      }
    }
    return count
  }
}
