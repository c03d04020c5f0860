import SegEngine
import TestSupport
import Testing

@testable import SegEngine

/// A convolution of random numbers.
struct ConvolutionCase: Sendable, CustomTestStringConvertible {
  var direction: ConvolutionDirection = .forward
  var geometry: ConvolutionGeometry
  var inChannels: Int
  var outChannels: Int
  var size: Extent2D
  var batch = 1
  var outputPadding: Extent2D = 0
  var problem: ConvolutionProblem {
    let output =
      direction == .forward
      ? geometry.outputSize(of: size) : geometry.transposedOutputSize(of: size, outputPadding: outputPadding)
    return ConvolutionProblem(
      direction, geometry, input: [batch, size.height, size.width, inChannels],
      output: [batch, output.height, output.width, outChannels])
  }
  var testDescription: String {
    "\(direction) \(geometry) \(inChannels)→\(outChannels) \(batch)×\(size) output padding \(outputPadding)"
  }

  /// Geometries that differ in every parameter, and sizes from smaller than the kernel to several tiles.
  static let forward: [ConvolutionCase] = {
    var cases: [ConvolutionCase] = []
    var generator = SeededGenerator(seed: 1)
    for kernel in [
      Extent2D(height: 1, width: 1), Extent2D(height: 3, width: 3), Extent2D(height: 1, width: 5),
      Extent2D(height: 4, width: 2), Extent2D(height: 7, width: 7),
    ] {
      for stride in [Extent2D(height: 1, width: 1), Extent2D(height: 2, width: 2), Extent2D(height: 3, width: 1)] {
        for dilation in [Extent2D(height: 1, width: 1), Extent2D(height: 2, width: 2), Extent2D(height: 1, width: 6)] {
          for groups in [1, 2, 4] {
            let padding = Padding2D(
              top: Int.random(in: 0...4, using: &generator), left: Int.random(in: 0...4, using: &generator),
              bottom: Int.random(in: 0...4, using: &generator), right: Int.random(in: 0...13, using: &generator))
            let geometry = ConvolutionGeometry(
              kernel: kernel, stride: stride, dilation: dilation, padding: padding, groups: groups)
            let size = Extent2D(
              height: Int.random(in: 3...14, using: &generator), width: Int.random(in: 3...40, using: &generator))
            let output = geometry.outputSize(of: size)
            guard output.height > 0, output.width > 0 else { continue }
            cases.append(
              ConvolutionCase(
                geometry: geometry, inChannels: groups * Int.random(in: 1...20, using: &generator),
                outChannels: groups * Int.random(in: 1...24, using: &generator), size: size,
                batch: Int.random(in: 1...2, using: &generator)))
          }
        }
      }
    }
    // Pointwise, several panels of columns and several blocks of rows; depthwise with a multiplier; rate larger than
    // the map.
    let same = ConvolutionGeometry(kernel: 3, padding: 1)
    cases.append(
      ConvolutionCase(
        geometry: .init(kernel: 1), inChannels: 150, outChannels: 200, size: Extent2D(height: 17, width: 19)))
    // Quarters of whole registers and panels, an odd number of pixels and several tiles.
    cases.append(ConvolutionCase(geometry: .init(kernel: 1), inChannels: 96, outChannels: 384, size: 7))
    cases.append(
      ConvolutionCase(
        geometry: .init(kernel: 1), inChannels: 160, outChannels: 768, size: Extent2D(height: 13, width: 10), batch: 2))
    cases.append(
      ConvolutionCase(geometry: same, inChannels: 140, outChannels: 70, size: Extent2D(height: 5, width: 300)))
    cases.append(
      ConvolutionCase(geometry: same, inChannels: 1, outChannels: 21, size: Extent2D(height: 9, width: 9), batch: 3))
    // Transformed weights beyond a core's cache: whole panels, a last one of a register, and one below.
    cases.append(
      ConvolutionCase(geometry: same, inChannels: 256, outChannels: 200, size: Extent2D(height: 13, width: 9)))
    cases.append(
      ConvolutionCase(geometry: .init(kernel: 3, dilation: 2, padding: 2), inChannels: 330, outChannels: 164, size: 10))
    // The same beyond what is kept at all: parts of the depth, whole panels and a last one of a register of sixteen.
    cases.append(
      ConvolutionCase(geometry: same, inChannels: 400, outChannels: 384, size: Extent2D(height: 9, width: 7)))
    cases.append(
      ConvolutionCase(geometry: .init(kernel: 3, dilation: 2, padding: 2), inChannels: 448, outChannels: 336, size: 7))
    // Phases of one to three pixels with nothing around them, weights that a cache holds and such that it does not.
    for (rate, size, inputs, outputs) in [
      (6, Extent2D(height: 9, width: 11), 24, 40), (4, Extent2D(height: 11, width: 9), 33, 17),
      (3, Extent2D(height: 8, width: 7), 256, 250),
    ] {
      cases.append(
        ConvolutionCase(
          geometry: .init(kernel: 3, dilation: Extent2D(rate), padding: Padding2D(rate)), inChannels: inputs,
          outChannels: outputs, size: size, batch: 2))
    }
    // Depthwise rows beyond a cache: channels in parts.
    cases.append(
      ConvolutionCase(
        geometry: .init(kernel: 5, dilation: 2, padding: 4, groups: 100), inChannels: 100, outChannels: 100,
        size: Extent2D(height: 5, width: 90)))
    for multiplier in [1, 2, 3] {
      for channels in [3, 16, 19, 40] {
        for stride in [1, 2] {
          cases.append(
            ConvolutionCase(
              geometry: .init(kernel: 3, stride: .init(stride), dilation: 2, padding: 2, groups: channels),
              inChannels: channels, outChannels: channels * multiplier, size: Extent2D(height: 11, width: 13), batch: 2)
          )
        }
      }
    }
    cases.append(
      ConvolutionCase(
        geometry: .init(kernel: 3, dilation: 12, padding: 12), inChannels: 33, outChannels: 17,
        size: Extent2D(height: 10, width: 10)))
    // Three by three with channels enough for Winograd: sizes that are no multiple of a tile, paddings that differ by
    // side, rates with phases of unequal extent and rates beyond the map.
    for (size, dilation, batch) in [
      (Extent2D(height: 1, width: 1), 1, 1), (Extent2D(height: 7, width: 5), 1, 2),
      (Extent2D(height: 24, width: 25), 1, 1), (Extent2D(height: 13, width: 40), 1, 1),
      (Extent2D(height: 11, width: 17), 2, 2), (Extent2D(height: 20, width: 19), 3, 1),
      (Extent2D(height: 16, width: 16), 6, 1), (Extent2D(height: 9, width: 30), 12, 1),
      (Extent2D(height: 4, width: 4), 7, 1),
    ] as [(Extent2D, Int, Int)] {
      for padding in [
        Padding2D(dilation), Padding2D(top: 0, left: dilation + 1, bottom: 2 * dilation, right: dilation),
      ] {
        for dilation in [Extent2D(dilation), Extent2D(height: dilation, width: max(1, dilation / 2))] {
          let geometry = ConvolutionGeometry(kernel: 3, dilation: dilation, padding: padding)
          let output = geometry.outputSize(of: size)
          guard output.height > 0, output.width > 0 else { continue }
          let (inputs, outputs) = (
            Int.random(in: 16...40, using: &generator), Int.random(in: 16...70, using: &generator)
          )
          cases.append(
            ConvolutionCase(geometry: geometry, inChannels: inputs, outChannels: outputs, size: size, batch: batch))
        }
      }
    }
    return cases
  }()

  static let transposed: [ConvolutionCase] = {
    var cases: [ConvolutionCase] = []
    var generator = SeededGenerator(seed: 2)
    for kernel in [
      Extent2D(height: 1, width: 1), Extent2D(height: 2, width: 2), Extent2D(height: 3, width: 3),
      Extent2D(height: 4, width: 2), Extent2D(height: 5, width: 8),
    ] {
      for stride in [
        Extent2D(height: 1, width: 1), Extent2D(height: 2, width: 2), Extent2D(height: 3, width: 1),
        Extent2D(height: 4, width: 2),
      ] {
        for dilation in [Extent2D(height: 1, width: 1), Extent2D(height: 2, width: 3)] {
          for groups in [1, 2] {
            for outputPadding in [Extent2D(height: 0, width: 0), Extent2D(height: 1, width: 0)] {
              let padding = Padding2D(
                top: Int.random(in: 0...1, using: &generator), left: Int.random(in: 0...1, using: &generator),
                bottom: Int.random(in: 0...2, using: &generator), right: Int.random(in: 0...1, using: &generator))
              for padding in [padding, 0] {
                let geometry = ConvolutionGeometry(
                  kernel: kernel, stride: stride, dilation: dilation, padding: padding, groups: groups)
                let size = Extent2D(
                  height: Int.random(in: 2...9, using: &generator), width: Int.random(in: 2...17, using: &generator))
                let output = geometry.transposedOutputSize(of: size, outputPadding: outputPadding)
                guard output.height > 0, output.width > 0 else { continue }
                cases.append(
                  ConvolutionCase(
                    direction: .transposed, geometry: geometry,
                    inChannels: groups * Int.random(in: 1...20, using: &generator),
                    outChannels: groups * Int.random(in: 1...24, using: &generator), size: size,
                    batch: Int.random(in: 1...2, using: &generator), outputPadding: outputPadding))
              }
            }
          }
        }
      }
    }
    cases.append(
      ConvolutionCase(
        direction: .transposed, geometry: .init(kernel: 2, stride: 2), inChannels: 130, outChannels: 70,
        size: Extent2D(height: 20, width: 37)))
    cases.append(
      ConvolutionCase(
        direction: .transposed, geometry: .init(kernel: 16, stride: 8, padding: 4), inChannels: 21, outChannels: 21,
        size: Extent2D(height: 12, width: 9)))
    // Quarters of whole registers and panels, several bands, rows of a pixel.
    for (size, kernel, batch) in [(Extent2D(height: 9, width: 11), 2, 2), (Extent2D(height: 57, width: 1), 3, 1)] {
      cases.append(
        ConvolutionCase(
          direction: .transposed, geometry: .init(kernel: Extent2D(kernel), stride: Extent2D(kernel)), inChannels: 96,
          outChannels: 256, size: size, batch: batch))
    }
    // Four by four of stride 2 with channels enough for Winograd: paddings even and odd that differ by side, outputs
    // beyond the last input, panels of channels, and weights beyond what is kept.
    for (size, batch, outputs) in [
      (Extent2D(height: 1, width: 1), 1, 24), (Extent2D(height: 6, width: 7), 2, 64),
      (Extent2D(height: 13, width: 5), 1, 33), (Extent2D(height: 20, width: 9), 1, 128),
    ] {
      for (padding, outputPadding) in [
        (Padding2D(1), Extent2D(0)), (Padding2D(0), Extent2D(height: 1, width: 0)),
        (Padding2D(top: 2, left: 3, bottom: 0, right: 1), 0),
        (Padding2D(top: 1, left: 0, bottom: 2, right: 2), 1),
      ] as [(Padding2D, Extent2D)] {
        let geometry = ConvolutionGeometry(kernel: 4, stride: 2, padding: padding)
        let output = geometry.transposedOutputSize(of: size, outputPadding: outputPadding)
        guard output.height > 0, output.width > 0 else { continue }
        cases.append(
          ConvolutionCase(
            direction: .transposed, geometry: geometry, inChannels: Int.random(in: 16...40, using: &generator),
            outChannels: outputs, size: size, batch: batch, outputPadding: outputPadding))
      }
    }
    cases.append(
      ConvolutionCase(
        direction: .transposed, geometry: .init(kernel: 4, stride: 2, padding: 1), inChannels: 528, outChannels: 64,
        size: Extent2D(height: 5, width: 4)))
    // Of stride 1, which are ordinary convolutions with turned weights: channels enough for every forward algorithm, panels that are not
    // whole, rates with phases and such beyond the map, paddings that differ by side and such beyond the kernel.
    for (kernel, dilation, inputs, outputs, padding) in [
      (3, 1, 40, 70, Padding2D(1)), (3, 1, 17, 24, Padding2D(top: 0, left: 2, bottom: 1, right: 0)),
      (3, 2, 33, 48, Padding2D(2)), (3, 7, 64, 20, Padding2D(7)), (3, 4, 24, 40, Padding2D(4)),
      (3, 3, 20, 33, Padding2D(3)), (3, 1, 448, 336, Padding2D(1)), (3, 1, 250, 256, Padding2D(1)),
      (5, 1, 3, 21, Padding2D(2)), (3, 1, 16, 16, Padding2D(3)), (1, 1, 96, 384, Padding2D(0)),
      (1, 1, 30, 20, Padding2D(0)),
    ] as [(Int, Int, Int, Int, Padding2D)] {
      cases.append(
        ConvolutionCase(
          direction: .transposed,
          geometry: .init(kernel: Extent2D(kernel), dilation: Extent2D(dilation), padding: padding), inChannels: inputs,
          outChannels: outputs, size: Extent2D(height: 9, width: 11), batch: inputs > 200 ? 1 : 2))
    }
    // Depthwise: strides with phases that have no tap, dilations with a common divisor, several kernels a channel.
    for (kernel, stride, dilation, multiplier, padding, outputPadding) in [
      (3, 1, 1, 1, Padding2D(1), Extent2D(0)), (5, 1, 2, 2, Padding2D(4), 0), (3, 2, 1, 1, Padding2D(1), 1),
      (5, 2, 3, 1, Padding2D(top: 2, left: 5, bottom: 1, right: 0), 0), (3, 3, 2, 3, Padding2D(1), 2),
      (2, 3, 1, 1, Padding2D(0), 2), (3, 2, 4, 1, Padding2D(3), 0), (3, 1, 1, 1, Padding2D(3), 0),
    ] as [(Int, Int, Int, Int, Padding2D, Extent2D)] {
      for channels in [3, 19, 40] {
        cases.append(
          ConvolutionCase(
            direction: .transposed,
            geometry: .init(
              kernel: Extent2D(kernel), stride: Extent2D(stride), dilation: Extent2D(dilation), padding: padding,
              groups: channels), inChannels: channels, outChannels: channels * multiplier,
            size: Extent2D(height: 7, width: 12), batch: 2, outputPadding: outputPadding))
      }
    }
    return cases
  }()
}
