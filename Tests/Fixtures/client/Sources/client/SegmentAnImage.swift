import SegIO
import SegModels

/// The code of the article "Segment an image".
func segmentAnImage(weights: String, photo: String, mask: String) async throws {
  let predictor = try Predictor(named: "pupil-unet", weights: weights)
  let prediction = try predictor(Image(contentsOf: photo))
  try prediction.labels.writePNG(to: mask)

  let labels = prediction.labels
  print("\(labels.width)×\(labels.height): \(labels.labels.count { $0 == 1 })")

  for try await (path, result) in predictor.predictions(for: [photo], reading: { try Image(contentsOf: $0) }) {
    print(path.hasSuffix(".png"), try result.get().labels == labels)
  }
}

/// A frame of a camera: 8-bit samples in memory, blue first, rows 64 bytes apart or more.
func segment(_ frame: [UInt8], _ predictor: Predictor, width: Int, height: Int, bytesPerRow: Int) throws -> LabelMap {
  let layout = PixelLayout(width: width, height: height, order: .bgra, bytesPerRow: bytesPerRow)
  return try predictor(frame.span.bytes, layout: layout).labels
}
