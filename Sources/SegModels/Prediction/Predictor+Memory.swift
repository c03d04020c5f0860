import SegEngine

extension Predictor {
  /// The memory for one run in bytes, without weights and the image itself, if every image is brought to one size; `nil` if the size
  /// depends on the image, or the network does not support it.
  package var runByteCount: Int? {
    let size: Extent2D
    switch preprocessing.fit {
    case .stretch(let extent), .letterbox(let extent): size = extent
    case .keep, .scale, .pad: return nil
    }
    let input = preprocessing.networkInput(Tensor(zeros: [1, size.height, size.width, preprocessing.channels.count]))
    guard let compiled = try? model.compiled(for: [model.inputNames[0]: input.shape]) else { return nil }
    return (compiled.inputs + compiled.outputs).reduce(compiled.arenaByteCount) { $0 + $1.spec.byteCount }
  }
}
