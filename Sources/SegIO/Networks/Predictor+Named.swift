import SegEngine
import SegFiles
import SegModels

#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

extension Predictor {
  /// Makes a predictor of a network of the registry, with the preprocessing and postprocessing that it was trained with.
  ///
  /// - Parameters:
  ///   - name: The network's name in `ModelRegistry`.
  ///   - weights: The path of a safetensors file, a NumPy archive or a PyTorch checkpoint; `nil` for the weights of the library
  ///     (``BundledWeights``).
  ///   - key: The key of the set of weights to read, such as `model_ema`, if several sets of the file fit.
  ///   - classes: The number of logits, if it differs from the registry's.
  ///   - threshold: The probability above which a network with one logit gives foreground, if it differs from the registry's.
  ///   - backend: The backend that runs the network.
  ///   - options: The options of the compilation.
  /// - Throws: ``NetworkError`` if the network does not exist or the weights do not fit it, `WeightsError` if the file cannot be read,
  ///   `GraphError`.
  public init(
    named name: String, weights: String? = nil, key: String? = nil, classes: Int? = nil, threshold: Float? = nil,
    on backend: any Backend = OpenBLASBackend(), options: CompileOptions = .init()
  ) throws {
    guard ModelRegistry.find(name) != nil else { throw NetworkError.unknownName(name) }
    var settings = PredictionSettings()
    settings.threshold = threshold
    self = try NetworkSource(name, classes: classes).segmenter(
      weights: weights.map { WeightsFile(path: $0, key: key) }, settings: settings, on: backend, options: options
    ).predictor
  }

  /// Makes a predictor of a network of the registry, as `init(named:weights:key:classes:threshold:on:options:)` does with a path.
  ///
  /// - Parameters:
  ///   - name: The network's name in `ModelRegistry`.
  ///   - weights: The file of weights.
  ///   - key: The key of the set of weights to read, if several sets of the file fit.
  ///   - classes: The number of logits, if it differs from the registry's.
  ///   - threshold: The probability above which a network with one logit gives foreground, if it differs from the registry's.
  ///   - backend: The backend that runs the network.
  ///   - options: The options of the compilation.
  /// - Throws: ``NetworkError``, `WeightsError`, `GraphError`; `FileError` if the URL is not a file URL.
  public init(
    named name: String, weights: URL, key: String? = nil, classes: Int? = nil, threshold: Float? = nil,
    on backend: any Backend = OpenBLASBackend(), options: CompileOptions = .init()
  ) throws {
    try self.init(
      named: name, weights: String(pathOf: weights), key: key, classes: classes, threshold: threshold, on: backend,
      options: options)
  }
}
