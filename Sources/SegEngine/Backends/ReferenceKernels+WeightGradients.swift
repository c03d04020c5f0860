extension ReferenceKernels {
  package func outerProducts(_ operands: OuterProductOperands) {
    for input in 0..<operands.inputs {
      let (run, place) = input.quotientAndRemainder(dividingBy: operands.run)
      let sums = operands.sums + run * operands.runStride + place * operands.sumStride
      for output in 0..<operands.outputs {
        var sum = operands.accumulates ? Double(sums[output]) : 0
        for row in 0..<operands.rows {
          for column in 0..<operands.columns {
            sum +=
              Double(operands.x[row * operands.xRow + column * operands.xStride + input])
              * Double(operands.y[row * operands.yRow + column * operands.yStride + output])
          }
        }
        sums[output] = Float(sum)
      }
    }
  }

  package func depthwiseGradient(
    _ window: SlidingWindow, image: UnsafePointer<Float>, _ dy: UnsafePointer<Float>, dyStride: Int, rows: Range<Int>,
    channels: Int, multiplier: Int, _ sums: UnsafeMutablePointer<Float>, sumStride: Int
  ) {
    let (kernel, stride, dilation) = (window.geometry.kernel, window.geometry.stride, window.geometry.dilation)
    for i in 0..<kernel.height {
      for j in 0..<kernel.width {
        for output in 0..<channels * multiplier {
          let place = (i * kernel.width + j) * sumStride + output
          var sum = Double(sums[place])
          for row in rows {
            let y = row * stride.height - window.geometry.padding.top + i * dilation.height
            guard (0..<window.inputHeight).contains(y) else { continue }
            for column in 0..<window.outputWidth {
              let x = column * stride.width - window.geometry.padding.left + j * dilation.width
              guard (0..<window.inputWidth).contains(x) else { continue }
              sum +=
                Double(image[(y * window.inputWidth + x) * window.pixelStride + output / multiplier])
                * Double(dy[((row - rows.lowerBound) * window.outputWidth + column) * dyStride + output])
            }
          }
          sums[place] = Float(sum)
        }
      }
    }
  }

  package func copyRows(
    _ x: UnsafePointer<Float>, xStride: Int, _ y: UnsafeMutablePointer<Float>, yStride: Int, rows: Int, columns: Int
  ) {
    for row in 0..<rows {
      for column in 0..<yStride { y[row * yStride + column] = column < columns ? x[row * xStride + column] : 0 }
    }
  }

  package func winogradGradient(
    _ tiling: WinogradTiling, _ y: UnsafePointer<Float>, yStride: Int, _ tile: WinogradTile,
    _ planes: UnsafeMutablePointer<Float>
  ) {
    let (rows, columns) = (tiling.axes[tile.rowAxis], tiling.axes[tile.columnAxis])
    for channel in 0..<tiling.outputChannels {
      func element(_ i: Int, _ j: Int) -> Double {
        let (line, place) = (tile.row + i * tiling.outputStep.height, tile.column + j * tiling.outputStep.width)
        guard (0..<tiling.output.height).contains(line), (0..<tiling.output.width).contains(place) else { return 0 }
        return Double(y[(line * tiling.output.width + place) * yStride + channel])
      }
      for (p, point) in rows.points.enumerated() {
        for (q, other) in columns.points.enumerated() {
          var sum = 0.0
          for i in 0..<rows.outputs {
            for j in 0..<columns.outputs {
              sum += rows.outputTransform[i][p] * element(i, j) * columns.outputTransform[j][q]
            }
          }
          planes[(point * tiling.filtering.inputs + other) * tiling.outputPlane + channel] = Float(sum)
        }
      }
    }
  }

  package func winogradFilterGradient(
    _ tiling: WinogradTiling, planes: UnsafePointer<Float>, plane: Int, count: Int, width: Int,
    _ weights: UnsafeMutablePointer<Float>
  ) {
    let (g, n) = (tiling.filtering.filterTransform, tiling.filtering.inputs)
    for row in 0..<count {
      for column in 0..<width {
        for a in 0..<3 {
          for b in 0..<3 {
            var sum = 0.0
            for i in 0..<n {
              for j in 0..<n { sum += g[i][a] * Double(planes[(i * n + j) * plane + row * width + column]) * g[j][b] }
            }
            weights[(row * 9 + a * 3 + b) * width + column] = Float(sum)
          }
        }
      }
    }
  }
}
