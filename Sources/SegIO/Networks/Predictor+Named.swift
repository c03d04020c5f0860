import SegEngine
import SegFiles
import SegModels

#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

extension Predictor {
  /// A predictor of a network of the registry, with the preparation of images and the reading of outputs that it was trained with.
  ///
  /// - Parameters:
  ///   - name: The network's name, as `ModelRegistry` has it.
  ///   - weights: The path of a safetensors file, a NumPy archive or a PyTorch checkpoint.
  ///   - key: The key of the set of weights that is read, where the file has several that fit, as `model_ema`.
  ///   - classes: The number of logits, where that is not the registry's.
  ///   - threshold: The probability above which a network of one logit gives foreground, where that is not the registry's.
  ///   - backend: What computes.
  ///   - options: How the network is compiled.
  /// - Throws: ``NetworkError`` where there is no such network or the weights do not fit it, `WeightsError` where the file cannot be
  ///   read, `GraphError`.
  public init(
    named name: String, weights: String, key: String? = nil, classes: Int? = nil, threshold: Float? = nil,
    on backend: any Backend = OpenBLASBackend(), options: CompileOptions = .init()
  ) throws {
    guard ModelRegistry.find(name) != nil else { throw NetworkError.unknownName(name) }
    var settings = PredictionSettings()
    settings.threshold = threshold
    self = try NetworkSource(name, classes: classes).segmenter(
      weights: WeightsFile(path: weights, key: key), settings: settings, on: backend, options: options
    ).predictor
  }

  /// A predictor of a network of the registry, as `init(named:weights:key:classes:threshold:on:options:)` with a path makes it.
  ///
  /// - Parameters:
  ///   - name: The network's name, as `ModelRegistry` has it.
  ///   - weights: The file of weights.
  ///   - key: The key of the set of weights that is read, where the file has several that fit.
  ///   - classes: The number of logits, where that is not the registry's.
  ///   - threshold: The probability above which a network of one logit gives foreground, where that is not the registry's.
  ///   - backend: What computes.
  ///   - options: How the network is compiled.
  /// - Throws: ``NetworkError``, `WeightsError`, `GraphError`; `FileError` where the URL is not that of a file.
  public init(
    named name: String, weights: URL, key: String? = nil, classes: Int? = nil, threshold: Float? = nil,
    on backend: any Backend = OpenBLASBackend(), options: CompileOptions = .init()
  ) throws {
    try self.init(
      named: name, weights: String(pathOf: weights), key: key, classes: classes, threshold: threshold, on: backend,
      options: options)
  }
}
