extension ReferenceKernels {
  package func winogradInput(
    _ tiling: WinogradTiling, image: UnsafePointer<Float>, _ tile: WinogradTile, padding: (top: Int, left: Int),
    _ planes: UnsafeMutablePointer<Float>
  ) {
    let (rows, columns) = (tiling.axes[tile.rowAxis], tiling.axes[tile.columnAxis])
    for channel in 0..<tiling.inputChannels {
      func element(_ i: Int, _ j: Int) -> Double {
        let y = tile.row - padding.top + i * tiling.step.height
        let x = tile.column - padding.left + j * tiling.step.width
        guard (0..<tiling.input.height).contains(y), (0..<tiling.input.width).contains(x) else { return 0 }
        return Double(image[(y * tiling.input.width + x) * tiling.xStride + channel])
      }
      let d = (0..<rows.reads).map { i in (0..<columns.reads).map { j in element(i, j) } }
      for (p, b) in zip(rows.points, rows.inputTransform) {
        for (q, c) in zip(columns.points, columns.inputTransform) {
          var sum = 0.0
          for i in b.indices { for j in c.indices { sum += b[i] * d[i][j] * c[j] } }
          let plane = planes + (p * tiling.filtering.inputs + q) * tiling.inputPlane
          if tiling.wordTerms == 2 {
            let bits = BFloat16.bits(of: Float(sum))
            UnsafeMutableRawPointer(plane).storeBytes(of: bits, toByteOffset: 2 * channel, as: UInt16.self)
          } else {
            plane[channel] = Float(sum)
          }
        }
      }
    }
  }

  package func winogradFilter(
    _ tiling: WinogradTiling, _ weights: UnsafePointer<Float>, count: Int, width: Int,
    _ planes: UnsafeMutablePointer<Float>, plane: Int
  ) {
    let (g, n, taps) = (tiling.filtering.filterTransform, tiling.filtering.inputs, tiling.filtering.taps)
    for row in 0..<count {
      for column in 0..<width {
        for i in 0..<n {
          for j in 0..<n {
            var sum = 0.0
            for a in 0..<taps {
              for b in 0..<taps {
                let weight = weights[((row * taps + a) * taps + b) * width + column]
                sum += g[i][a] * Double(weight) * g[j][b]
              }
            }
            planes[(i * n + j) * plane + row * width + column] = Float(sum)
          }
        }
      }
    }
  }

  package func winogradOutput(
    _ tiling: WinogradTiling, planes: UnsafePointer<Float>, _ epilogue: Epilogue, into result: Destination,
    _ tile: WinogradTile
  ) {
    let (rows, columns) = (tiling.axes[tile.rowAxis], tiling.axes[tile.columnAxis])
    for i in 0..<rows.outputs {
      for j in 0..<columns.outputs {
        let line = tile.row + i * tiling.outputStep.height
        let place = tile.column + j * tiling.outputStep.width
        guard (0..<tiling.output.height).contains(line), (0..<tiling.output.width).contains(place) else { continue }
        let pixel = line * tiling.output.width + place
        for channel in 0..<tiling.outputChannels {
          var sum = 0.0
          for (p, a) in zip(rows.points, rows.outputTransform[i]) {
            for (q, b) in zip(columns.points, columns.outputTransform[j]) {
              let product = planes[(p * tiling.filtering.inputs + q) * tiling.outputPlane + channel]
              sum += a * Double(product) * b
            }
          }
          result.row(pixel)[channel] = epilogue(sum, row: pixel, column: channel)
        }
      }
    }
  }
}
