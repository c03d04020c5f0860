import SegEngine

/// The position of an image within a network's input, and the mapping back to the image.
public struct Placement: Hashable, Sendable {
  /// A rectangle of pixels.
  public struct Rectangle: Hashable, Sendable {
    /// The first row and column.
    public var top, left: Int
    /// The height and width.
    public var height, width: Int
  }

  /// Height and width of the image.
  public let imageSize: Extent2D
  /// Height and width of the network's input.
  public let networkSize: Extent2D
  /// The part of the network's input that shows the image.
  public let content: Rectangle

  /// The placement of an image of a height and width.
  public init(of image: Extent2D, fit: Preprocessing.Fit) {
    imageSize = image
    func keeping(_ factor: Double, multipleOf multiple: Int) -> (content: Rectangle, network: Extent2D) {
      func scaled(_ extent: Int) -> Int { max(1, Int((Double(extent) * factor).rounded())) }
      func up(_ extent: Int) -> Int { (extent + multiple - 1) / multiple * multiple }
      let content = Rectangle(top: 0, left: 0, height: scaled(image.height), width: scaled(image.width))
      return (content, Extent2D(height: up(content.height), width: up(content.width)))
    }
    switch fit {
    case .keep(let multiple): (content, networkSize) = keeping(1, multipleOf: multiple)
    case .scale(let factor, let multiple): (content, networkSize) = keeping(factor, multipleOf: multiple)
    case .pad(let size):
      content = Rectangle(top: 0, left: 0, height: image.height, width: image.width)
      networkSize = Extent2D(height: max(size.height, image.height), width: max(size.width, image.width))
    case .stretch(let size):
      networkSize = size
      content = Rectangle(top: 0, left: 0, height: size.height, width: size.width)
    case .letterbox(let size):
      networkSize = size
      // The size fills one side. The other side is rounded half to even, as Python does in the training code of such
      // networks.
      var (height, width) = (size.height, size.width)
      if image.height * size.width <= image.width * size.height {
        height = max(1, Int((Double(image.height * size.width) / Double(image.width)).rounded(.toNearestOrEven)))
      } else {
        width = max(1, Int((Double(image.width * size.height) / Double(image.height)).rounded(.toNearestOrEven)))
      }
      content = Rectangle(
        top: (size.height - height) / 2, left: (size.width - width) / 2, height: height, width: width)
    }
  }

  /// The same placement of an image that is shown at another size.
  func showing(imageOf size: Extent2D) -> Placement {
    Placement(imageSize: size, networkSize: networkSize, content: content)
  }

  private init(imageSize: Extent2D, networkSize: Extent2D, content: Rectangle) {
    self.imageSize = imageSize
    self.networkSize = networkSize
    self.content = content
  }
}

extension Placement {
  /// A mask of the image's size, resized and padded like the image. Each pixel takes the nearest mask pixel (the one that contains its
  /// centre); padding is `fill`.
  package func networkMask(_ mask: LabelMap, fill: UInt16) -> LabelMap {
    let (size, content) = (networkSize, content)
    var result = LabelMap(width: size.width, height: size.height, repeating: fill)
    for row in 0..<content.height {
      let source = min(mask.height - 1, (2 * row + 1) * mask.height / (2 * content.height))
      for column in 0..<content.width {
        result[content.top + row, content.left + column] =
          mask[source, min(mask.width - 1, (2 * column + 1) * mask.width / (2 * content.width))]
      }
    }
    return result
  }
}
