import SegEngine

extension Value {
  /// Atrous spatial pyramid pooling of DeepLab v3 (Chen et al. 2017): a 1×1 convolution, 3×3 convolutions with several
  /// dilations, and global average pooling in parallel; then a 1×1 convolution. Each has batch normalisation and ReLU.
  ///
  /// Half of the result's elements are dropped in training. Parameters within the current scope: `convs.0.0`, …, `convs.4.1`, `project.0`, `project.1`, as in torchvision.
  /// Separable convolutions have `convs.1.0.0` (depthwise) and `convs.1.0.1` (pointwise), as in
  /// segmentation-models-pytorch.
  func atrousPyramid(rates: [Int], width: Int = 256, isSeparable: Bool = false) -> Value {
    var branches = [convolved("convs.0.0", "convs.0.1", width, kernel: 1)]
    for (index, rate) in rates.enumerated() {
      let name = "convs.\(index + 1)"
      branches.append(
        isSeparable
          ? separableConvolved("\(name).0", "\(name).1", width, rate: rate)
          : convolved("\(name).0", "\(name).1", width, kernel: 3, dilation: Extent2D(rate)))
    }
    let name = "convs.\(rates.count + 1)"
    branches.append(
      globalAveragePool().convolved("\(name).1", "\(name).2", width, kernel: 1).resize(like: self))
    return branches.concatenated().convolved("project.0", "project.1", width, kernel: 1).dropout("project.3", rate: 0.5)
  }

  /// 3×3 depthwise convolution `convolution.0` and 1×1 convolution `convolution.1`, batch normalisation `norm` and ReLU.
  func separableConvolved(_ convolution: String, _ norm: String, _ width: Int, rate: Int = 1) -> Value {
    conv("\(convolution).0", channels, kernel: 3, dilation: Extent2D(rate), groups: channels, bias: false)
      .convolved("\(convolution).1", norm, width, kernel: 1)
  }

  /// The head of torchvision's FCN: a 3×3 convolution to a quarter of the channels with batch normalisation and ReLU,
  /// a dropout of 0.1, then a 1×1 convolution to the classes. Parameters `0`, `1` and `4` within the current scope.
  func fcnHead(classes: Int) -> Value {
    convolved("0", "1", channels / 4, kernel: 3).dropout("3", rate: 0.1).conv("4", classes, kernel: 1)
  }

  /// Pyramid pooling (PSPNet, Zhao et al. 2017): this map, concatenated with its means over grids of several sizes,
  /// each projected by a 1×1 convolution and upsampled again.
  ///
  /// - Parameters:
  ///   - sizes: The number of cells of each grid along both axes.
  ///   - narrowed: Projects the map of a grid, given its index.
  func pyramidPooled(
    sizes: [Int], coordinates: Resize.Coordinates, narrowed: (_ pooled: Value, _ index: Int) -> Value
  ) -> [Value] {
    sizes.enumerated().map { index, size in
      narrowed(adaptiveAveragePool(to: Extent2D(size)), index).resize(like: self, coordinates: coordinates)
    }
  }
}
