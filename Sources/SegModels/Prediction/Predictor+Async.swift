import SegEngine

extension Predictor {
  /// Segments an image as ``callAsFunction(_:at:keepingLogits:)`` does, without blocking the calling task's thread.
  ///
  /// - Throws: `CancellationError` if the task is cancelled before the network runs. A run is not interrupted.
  @concurrent
  public func prediction(
    for image: Image, at resolution: Resolution = .image, keepingLogits: Bool = false
  ) async throws -> Prediction {
    try Task.checkCancellation()
    return try self(image, at: resolution, keepingLogits: keepingLogits)
  }

  /// Computes the labels of an image tile by tile, as the synchronous method of this name does, without blocking the calling task's thread.
  ///
  /// - Parameters:
  ///   - image: The image.
  ///   - tiling: The tiles.
  ///   - progress: Is called with the number of computed tiles and of all tiles, before the first and after each tile.
  /// - Throws: `CancellationError` if the task is cancelled, after the tile that is being computed.
  @concurrent
  public func labels(
    for image: some ImageSource & Sendable, in tiling: Tiling,
    progress: @Sendable (_ done: Int, _ total: Int) -> Void = { _, _ in }
  ) async throws -> LabelMap {
    try segment(image, in: tiling) { done, total in
      try Task.checkCancellation()
      progress(done, total)
    }
  }

  /// Computes the labels of an image tile by tile and passes them on as rows of tiles are finished, as
  /// the synchronous method of this name does, without blocking the calling task's thread.
  ///
  /// - Parameters:
  ///   - source: The source of the image's regions, or the image.
  ///   - tiling: The tiles.
  ///   - progress: Is called with the number of computed tiles and of all tiles, before the first and after each tile.
  ///   - rows: Is called with the labels of the next rows and the image row that is the first of them.
  /// - Throws: `CancellationError` if the task is cancelled, after the tile that is being computed.
  @concurrent
  public func labels(
    for source: some ImageSource & Sendable, in tiling: Tiling,
    progress: @Sendable (_ done: Int, _ total: Int) -> Void = { _, _ in },
    rows: @Sendable (_ labels: LabelMap, _ firstRow: Int) throws -> Void
  ) async throws {
    try segment(
      source, in: tiling,
      progress: { done, total in
        try Task.checkCancellation()
        progress(done, total)
      }, rows: rows)
  }

  /// Segments many images in order. The next image is read while one is computed.
  ///
  ///     for try await (path, prediction) in predictor.predictions(for: paths, reading: { try Image(contentsOf: $0) }) {
  ///       try prediction.get().labels.writePNG(to: path + ".labels.png")
  ///     }
  ///
  /// An error of one image, in reading or in computing, is that image's result; the sequence continues. At most two
  /// images are in memory at once.
  ///
  /// - Parameters:
  ///   - items: The sources of images, such as paths.
  ///   - resolution: The resolution of the labels.
  ///   - read: Returns the image of an item.
  public func predictions<Items: Sequence & Sendable>(
    for items: Items, at resolution: Resolution = .image,
    reading read: @escaping @Sendable (Items.Element) throws -> Image
  ) -> Predictions<Items> where Items.Element: Sendable {
    Predictions(predictor: self, items: items, resolution: resolution, read: read)
  }

  /// A sequence of predictions, in the order of the items; see ``predictions(for:at:reading:)``.
  public struct Predictions<Items: Sequence & Sendable>: AsyncSequence, Sendable where Items.Element: Sendable {
    /// An item with its prediction or error.
    public typealias Element = (item: Items.Element, prediction: Swift.Result<Prediction, any Error>)

    fileprivate let predictor: Predictor
    fileprivate let items: Items
    fileprivate let resolution: Resolution
    fileprivate let read: @Sendable (Items.Element) throws -> Image

    /// Creates an iterator from the first item.
    public func makeAsyncIterator() -> Iterator { Iterator(self) }

    /// Iterates over the items.
    public struct Iterator: AsyncIteratorProtocol {
      private let predictions: Predictions
      private var items: Items.Iterator
      /// The next item, whose image is being read.
      private var upcoming: (item: Items.Element, image: Task<Image, any Error>)?

      fileprivate init(_ predictions: Predictions) {
        self.predictions = predictions
        items = predictions.items.makeIterator()
      }

      /// The prediction of the next item; `nil` after the last.
      ///
      /// - Throws: `CancellationError` if the task is cancelled.
      public mutating func next() async throws -> Element? {
        guard let (item, reading) = upcoming ?? nextReading() else { return nil }
        upcoming = nil
        do {
          let image = try await withTaskCancellationHandler {
            try await reading.value
          } onCancel: {
            reading.cancel()
          }
          try Task.checkCancellation()
          upcoming = nextReading()
          return (item, .success(try await predictions.predictor.prediction(for: image, at: predictions.resolution)))
        } catch let error as CancellationError {
          upcoming?.image.cancel()
          throw error
        } catch {
          if upcoming == nil { upcoming = nextReading() }
          return (item, .failure(error))
        }
      }

      private mutating func nextReading() -> (item: Items.Element, image: Task<Image, any Error>)? {
        guard let item = items.next() else { return nil }
        let read = predictions.read
        return (
          item,
          Task {
            try Task.checkCancellation()
            return try read(item)
          }
        )
      }
    }
  }
}
