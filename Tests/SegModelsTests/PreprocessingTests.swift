import SegEngine
import SegModels
import Testing

/// Images as Pillow resizes them: the bytes that networks were trained on.
@Suite struct PreprocessingTests {
  /// One entry of `images.json`.
  struct Case: Decodable, Sendable, CustomTestStringConvertible {
    let key, image, layout, channels, fit: String
    let bits, height, width, networkHeight, networkWidth: Int
    let place: [Int]

    var testDescription: String { "\(image) \(channels) \(fit) \(height)×\(width)" }

    var preprocessing: Preprocessing {
      get throws {
        let size = Extent2D(height: height, width: width)
        return Preprocessing(
          channels: try #require(Preprocessing.Channels(named: channels, count: 3)),
          fit: fit == "keep" ? .keep(multipleOf: height) : fit == "stretch" ? .stretch(size) : .letterbox(size),
          range: bits == 8 ? .unscaled : .white)
      }
    }
  }

  static let cases: [Case] = (try? Fixtures.description("images")) ?? []
  private static let tensors = (try? Fixtures.tensors("images")) ?? [:]

  private func image(_ test: Case) throws -> Image {
    let tensor = try Self.tensors.named("\(test.image)/image")
    let layouts: [String: Image.ChannelLayout] = ["grey": .grey, "greyAlpha": .greyAlpha, "rgb": .rgb, "rgba": .rgba]
    return Image(
      width: tensor.shape[1], height: tensor.shape[0], layout: try #require(layouts[test.layout]),
      samples: test.bits == 8
        ? .uint8(tensor.elements(of: UInt8.self)) : .uint16(tensor.elements(of: Int32.self).map { UInt16($0) }))
  }

  @Test func theFixtureHasEveryKind() {
    for fit in ["keep", "stretch", "letterbox"] {
      for bits in [8, 16] {
        for layout in ["grey", "greyAlpha", "rgb", "rgba"] {
          #expect(Self.cases.contains { $0.fit == fit && $0.bits == bits && $0.layout == layout })
        }
      }
    }
  }

  @Test(arguments: cases) func imagesAreResizedAsByPillow(_ test: Case) throws {
    let (tensor, placement) = try test.preprocessing(try image(test))
    let channels = test.channels == "grey" ? 1 : 3
    #expect(tensor.shape == [1, test.networkHeight, test.networkWidth, channels])
    let content = placement.content
    #expect([content.top, content.left, content.height, content.width] == test.place)
    let expected = try Self.tensors.named("\(test.key)/expected")
    if test.bits == 8 {
      // Every byte.
      #expect(tensor.floats == expected.elements(of: UInt8.self).map(Float.init))
    } else {
      // Pillow and this package both sum in Double and keep float32 between the directions; 3·2⁻²⁴ of white covers the
      // roundings, that of the division by 65535 among them.
      let wanted = Tensor(tensor.shape, expected.floats.map { $0 / 65535 })
      #expect(tensor.distance(to: wanted) <= 2e-7)
    }
  }

  @Test(arguments: cases) func placementAgreesWithTheFit(_ test: Case) throws {
    let image = try image(test)
    let placement = try test.preprocessing(image).placement
    let content = placement.content
    #expect(placement.imageSize == Extent2D(height: image.height, width: image.width))
    #expect(content.top >= 0 && content.left >= 0 && content.height >= 1 && content.width >= 1)
    #expect(content.top + content.height <= placement.networkSize.height)
    #expect(content.left + content.width <= placement.networkSize.width)
    guard test.fit == "letterbox" else { return }
    // One side is filled, what is left over on the other lies on both sides, and the aspect is kept to half a pixel.
    #expect(content.height == test.height || content.width == test.width)
    let (below, right) = (test.height - content.height - content.top, test.width - content.width - content.left)
    #expect((0...1).contains(below - content.top) && (0...1).contains(right - content.left))
    let exact = Double(content.width * image.height) / Double(image.width)
    let other = Double(content.height * image.width) / Double(image.height)
    #expect(
      content.width == test.width
        ? abs(Double(content.height) - max(1, exact)) <= 0.5 : abs(Double(content.width) - max(1, other)) <= 0.5)
  }

  @Test func meanAndDeviationApplyByChannel() throws {
    let image = Image(width: 2, height: 1, layout: .rgb, samples: .uint8([0, 51, 255, 102, 204, 153]))
    let preprocessing = Preprocessing(
      fit: .keep(multipleOf: 1), mean: Preprocessing.imageNetMean, deviation: Preprocessing.imageNetDeviation)
    let values = try preprocessing(image).tensor.floats.map(Double.init)
    // By hand: (x − mean) / deviation with x of 0, 0.2, 1, 0.4, 0.8, 0.6.
    let wanted = [
      -0.485 / 0.229, (0.2 - 0.456) / 0.224, (1 - 0.406) / 0.225, (0.4 - 0.485) / 0.229, (0.8 - 0.456) / 0.224,
      (0.6 - 0.406) / 0.225,
    ]
    // Float32: x·s − m·s with terms of at most 4.5.
    for (value, wanted) in zip(values, wanted) { #expect(abs(value - wanted) < 2e-6) }
    let reversed = Preprocessing(channels: .bgr, fit: .keep(multipleOf: 1), range: .unscaled, mean: [1, 2, 3])
    #expect(try reversed(image).tensor.floats == [254, 49, -3, 152, 202, 99])
  }

  /// Numbers that do not fit each other, however they came to be so, are an error of the image that is prepared by them.
  @Test func numbersThatDoNotFitAreErrors() throws {
    let image = Image(width: 2, height: 1, layout: .rgb, samples: .uint8([0, 51, 255, 102, 204, 153]))
    func message(_ preprocessing: Preprocessing) -> String {
      do throws(PredictionError) {
        _ = try preprocessing(image)
        return ""
      } catch {
        return error.description
      }
    }
    let begin = "invalid preprocessing: "
    let keep = Preprocessing.Fit.keep(multipleOf: 1)
    #expect(message(Preprocessing(fit: keep, mean: [1, 2, 3], deviation: [4])) == "")
    #expect(message(Preprocessing(fit: keep, mean: [1, 2])) == begin + "2 means for 3 channels")
    #expect(message(Preprocessing(fit: keep, mean: [])) == begin + "0 means for 3 channels")
    #expect(message(Preprocessing(fit: keep, deviation: [1, 2, 3, 4])) == begin + "4 deviations for 3 channels")
    #expect(
      message(Preprocessing(channels: .bands(0), fit: keep)) == begin + "the number of channels must be positive, not 0"
    )
    var changed = Preprocessing(channels: .bgr, fit: keep)
    changed.deviation = []
    #expect(message(changed) == begin + "0 deviations for 3 channels")
    let size = "the size must be positive, not "
    for (fit, reason) in [
      (Preprocessing.Fit.keep(multipleOf: 0), "the padding multiple must be positive, not 0"),
      (.scale(.nan, multipleOf: 1), "the scale nan and the padding multiple 1 must be positive and finite"),
      (.scale(0, multipleOf: 1), "the scale 0.0 and the padding multiple 1 must be positive and finite"),
      (.scale(1, multipleOf: -1), "the scale 1.0 and the padding multiple -1 must be positive and finite"),
      (.stretch(Extent2D(height: 0, width: 4)), size + "0×4 pixels"),
      (.letterbox(Extent2D(height: 4, width: 0)), size + "4×0 pixels"),
      (.pad(Extent2D(height: -1, width: 4)), size + "-1×4 pixels"),
    ] {
      #expect(message(Preprocessing(fit: fit)) == begin + reason)
    }
  }

  @Test func rangesSayWhatOneIs() throws {
    let dark = Image(width: 2, height: 1, layout: .grey, samples: .uint8([10, 40]))
    func values(_ range: Preprocessing.Range, _ image: Image) throws -> [Float] {
      try Preprocessing(channels: .grey, fit: .keep(multipleOf: 1), range: range)(image).tensor.floats
    }
    #expect(try values(.imageMaximum, dark) == [0.25, 1])
    #expect(try values(.unscaled, dark) == [10, 40])
    #expect(try values(.white, dark) == [10 / 255, 40 / 255])
    let deep = Image(width: 2, height: 1, layout: .grey, samples: .uint16([257 * 10, 65535]))
    #expect(try values(.unscaled, deep) == [10, 255])
    #expect(try values(.white, deep) == [2570 / 65535, 1])
    #expect(try values(.imageMaximum, deep) == [2570 / 65535, 1])
    // All black: there is no maximum to divide by.
    #expect(try values(.imageMaximum, Image(width: 1, height: 1, layout: .grey, samples: .uint8([0]))) == [0])
  }

  /// Percentiles of a ramp of 2,001 values with two outliers, against their definition on the sorted values.
  @Test(arguments: [Image.Samples.uint16([]), .float32([])])
  func percentilesClipOutliers(_ kind: Image.Samples) throws {
    var values = (0..<2001).map { Float(1000 + 20 * $0) }
    (values[0], values[2000]) = (0, 65535)
    let (count, sorted) = (values.count, values.sorted())
    let (low, high) = (
      sorted[Int((0.001 * Double(count - 1)).rounded())], sorted[Int((0.999 * Double(count - 1)).rounded())]
    )
    #expect(low == 1040 && high == 40960)
    let order = (0..<count).map { $0 * 7 % count }
    let shuffled = order.map { values[$0] }
    let samples: Image.Samples =
      if case .uint16 = kind { .uint16(shuffled.map { UInt16($0) }) } else { .float32(shuffled) }
    let image = Image(width: count, height: 1, layout: .grey, samples: samples)
    for threads in [1, 3] {
      let result = try Preprocessing(channels: .grey, fit: .keep(multipleOf: 1), range: .percentiles)(
        image, on: WorkerPool(threads: threads)
      ).tensor.floats
      for (value, sample) in zip(result, shuffled) {
        let expected = min(max((sample - low) / (high - low), 0), 1)
        #expect(abs(value - expected) <= 2 * 65535 / 65536 / (high - low), "\(sample)")
      }
    }
    // One value alone becomes 0, also with samples that are not numbers beside it.
    let flat = Image(width: 3, height: 1, layout: .grey, samples: .float32([7, 7, 7]))
    #expect(
      try Preprocessing(channels: .grey, fit: .keep(multipleOf: 1), range: .percentiles)(flat).tensor.floats == [
        0, 0, 0,
      ])
  }

  @Test func whiteIsTheImages() throws {
    func values(_ range: Preprocessing.Range, _ samples: Image.Samples, white: Float? = nil) throws -> [Float] {
      let image = Image(width: 2, height: 1, layout: .grey, samples: samples, white: white)
      return try Preprocessing(channels: .grey, fit: .keep(multipleOf: 1), range: range)(image).tensor.floats
    }
    #expect(try values(.white, .uint16([0, 4095]), white: 4095) == [0, 1])
    #expect(try values(.unscaled, .uint16([273, 4095]), white: 4095) == [17, 255])
    #expect(try values(.white, .float32([0.25, 1.5])) == [0.25, 1.5])
    #expect(try values(.unscaled, .float32([0, 1])) == [0, 255])
    #expect(try values(.imageMaximum, .float32([-0.5, 0.25])) == [-2, 1])
    #expect(try values(.white, .float32([-1, 32767]), white: 32767) == [-1 / 32767, 1])
    #expect(try values(.white, .uint8([50, 100]), white: 100) == [0.5, 1])
  }

  @Test func bandsAreTheFirstSamplesAsTheyLie() throws {
    let samples: Image.Samples = .uint8([1, 2, 3, 4, 5, 11, 12, 13, 14, 15])
    func values(_ channels: Preprocessing.Channels, _ layout: Image.ChannelLayout) throws -> [Float] {
      let count = 2 * layout.count
      guard case .uint8(let all) = samples else { return [] }
      let image = Image(width: 2, height: 1, layout: layout, samples: .uint8(Array(all[..<count])))
      return try Preprocessing(channels: channels, fit: .keep(multipleOf: 1), range: .unscaled)(image).tensor.floats
    }
    #expect(try values(.bands(5), .bands(5)) == [1, 2, 3, 4, 5, 11, 12, 13, 14, 15])
    #expect(try values(.bands(2), .bands(5)) == [1, 2, 11, 12])
    #expect(try values(.rgb, .bands(5)) == [1, 2, 3, 11, 12, 13])
    #expect(try values(.bgr, .bands(5)) == [3, 2, 1, 13, 12, 11])
    #expect(try values(.bands(4), .rgba) == [1, 2, 3, 4, 5, 11, 12, 13])
    #expect(try values(.rgb, .bands(2)) == [1, 1, 1, 3, 3, 3])
    // (19595·1 + 38470·2 + 7471·3 + 32768) / 65536 and the same of 11, 12, 13.
    #expect(try values(.grey, .bands(5)) == [2, 12])
    #expect(throws: PredictionError.tooFewBands(image: 3, network: 4)) { try values(.bands(4), .rgb) }
  }

  /// A float32 image is resized as one of 16 bits with the same samples, band by band.
  @Test(arguments: cases.filter { $0.bits == 16 && $0.layout == "rgb" && $0.channels == "rgb" })
  func floatsAndBandsAreResizedAlike(_ test: Case) throws {
    let image = try image(test)
    guard case .uint16(let samples) = image.samples else { return }
    let wanted = try test.preprocessing(image).tensor
    let floats = Image(
      width: image.width, height: image.height, layout: .bands(3), samples: .float32(samples.map { Float($0) }),
      white: 65535)
    var preprocessing = try test.preprocessing
    preprocessing.channels = .bands(3)
    #expect(try preprocessing(floats).tensor.floats == wanted.floats)
  }

  /// Pixels that are read where they lie are prepared as their copy is, whatever their order and the gaps between rows.
  @Test(arguments: Image.ChannelOrder.allCases) func pixelsInABufferArePreparedAsTheImage(order: Image.ChannelOrder)
    throws
  {
    var generator = SeededGenerator(seed: 5)
    let (width, height) = (37, 23)
    for gap in [0, 11] {
      let layout = PixelLayout(
        width: width, height: height, order: order, bytesPerRow: gap == 0 ? nil : width * order.count + gap)
      let bytes = (0..<layout.byteCount).map { _ in UInt8.random(in: 0...255, using: &generator) }
      let image = Image(pixels: bytes.span.bytes, layout: layout)
      for channels in [Preprocessing.Channels.rgb, .bgr, .grey, .bands(image.layout.count)] {
        for fit in [Preprocessing.Fit.stretch(Extent2D(height: 16, width: 24)), .keep(multipleOf: 32)] {
          let preprocessing = Preprocessing(channels: channels, fit: fit, mean: [0.3], deviation: [0.2])
          let expected = try preprocessing(image)
          let (tensor, placement) = try preprocessing(bytes.span.bytes, layout: layout)
          #expect(tensor == expected.tensor && placement == expected.placement, "\(channels) \(fit) \(gap)")
        }
      }
    }
    #expect(throws: PredictionError.tooFewBands(image: 1, network: 4)) {
      _ = try Preprocessing(channels: .bands(4), fit: .keep(multipleOf: 32), mean: [0], deviation: [1])(
        [UInt8](repeating: 0, count: 6).span.bytes, layout: PixelLayout(width: 3, height: 2, order: .grey))
    }
  }

  @Test func paddingIsFilledBeforeMeanAndDeviation() throws {
    let image = Image(width: 1, height: 2, layout: .grey, samples: .uint8([255, 255]))
    let preprocessing = Preprocessing(
      channels: .grey, fit: .letterbox(2), mean: [0.5], deviation: [0.25], fill: 0.25)
    // 1 becomes 2, the padding 0.25 becomes −1.
    #expect(try preprocessing(image).tensor.floats == [2, -1, 2, -1])
    let kept = Preprocessing(channels: .grey, fit: .keep(multipleOf: 3), fill: 0.5)
    #expect(try kept(image).tensor.floats == [1, 0.5, 0.5, 1, 0.5, 0.5, 0.5, 0.5, 0.5])
  }

  /// Luma of ITU-R BT.601 at Pillow's precision: (19595 R + 38470 G + 7471 B + 32768) / 65536, by hand.
  @Test(
    arguments: zip([[255, 0, 0], [0, 255, 0], [0, 0, 255], [255, 255, 255], [1, 1, 1]], [76, 150, 29, 255, 1]))
  func greyIsLuma(_ color: [UInt8], _ luma: Float) throws {
    let image = Image(width: 1, height: 1, layout: .rgb, samples: .uint8(color))
    #expect(
      try Preprocessing(channels: .grey, fit: .keep(multipleOf: 1), range: .unscaled)(image).tensor.floats == [luma])
  }
}
