import SegEngine
import SegFiles

/// A document of COCO's annotation format with one annotation for each class of each image.
///
///     {"annotations": [{"area": 6, "bbox": [1, 0, 3, 2], "category_id": 1, "id": 1, "image_id": 1, "iscrowd": 0,
///                       "segmentation": {"counts": "…", "size": [2, 4]}}],
///      "categories": [{"id": 1, "name": "road"}],
///      "images": [{"file_name": "a.png", "height": 2, "id": 1, "width": 4}]}
///
/// Images and annotations are numbered from 1; a category's number is its class. Areas are in pixels, boxes are
/// `[x, y, width, height]` in pixels, masks are a ``RunLengthEncoding``.
public struct COCODocument: Codable, Sendable, Hashable {
  /// An image.
  public struct Image: Codable, Sendable, Hashable {
    /// The number of the image, from 1.
    public let id: Int
    /// The name of its file.
    public let fileName: String
    /// Width in pixels.
    public let width: Int
    /// Height in pixels.
    public let height: Int

    enum CodingKeys: String, CodingKey {
      case id, width, height
      case fileName = "file_name"
    }
  }

  /// The pixels of a class in an image.
  public struct Annotation: Codable, Sendable, Hashable {
    /// The number of the annotation, from 1.
    public let id: Int
    /// The number of the image.
    public let imageID: Int
    /// The class.
    public let categoryID: Int
    /// The mask of the class.
    public let segmentation: RunLengthEncoding
    /// The size of the mask, in pixels.
    public let area: Double
    /// The smallest rectangle around the mask, `[x, y, width, height]` in pixels.
    public let boundingBox: [Double]
    /// 0: the mask is not that of a crowd.
    public let isCrowd: Int

    enum CodingKeys: String, CodingKey {
      case id, segmentation, area
      case imageID = "image_id"
      case categoryID = "category_id"
      case boundingBox = "bbox"
      case isCrowd = "iscrowd"
    }
  }

  /// A class.
  public struct Category: Codable, Sendable, Hashable {
    /// The class.
    public let id: Int
    /// Its name.
    public let name: String
  }

  /// The images, in the order in which they were added.
  public private(set) var images: [Image] = []
  /// The classes of all images, by image and class.
  public private(set) var annotations: [Annotation] = []
  /// The classes in ascending order: those with a name, and those that occur in an image.
  public private(set) var categories: [Category]
  private var names: [String] = []
  private var leftOut: Set<UInt16> = []

  private enum CodingKeys: String, CodingKey {
    case images, annotations, categories
  }

  /// Makes a document without images.
  ///
  /// - Parameters:
  ///   - names: The names of the classes, from class 0 on. A class n beyond them is called "class n".
  ///   - leftOut: Labels that get neither annotations nor a category: `[0]` for background, and ignore labels.
  public init(names: [String] = [], leavingOut leftOut: Set<UInt16> = []) {
    self.names = names
    self.leftOut = leftOut
    categories = zip(0...UInt16.max, names).filter { !leftOut.contains($0.0) }.map { Category(id: Int($0), name: $1) }
  }

  /// Adds an image and an annotation for each of its labels that is not left out.
  ///
  /// - Parameters:
  ///   - map: The image's labels.
  ///   - fileName: The name of the image's file, as readers of the document are to find it.
  public mutating func add(_ map: LabelMap, fileName: String) {
    let image = Image(id: images.count + 1, fileName: fileName, width: map.width, height: map.height)
    images.append(image)
    for (label, encoding) in RunLengthEncoding.encodings(of: map, leavingOut: leftOut) {
      annotations.append(
        Annotation(
          id: annotations.count + 1, imageID: image.id, categoryID: Int(label), segmentation: encoding,
          area: Double(encoding.area), boundingBox: encoding.boundingBox.map { Double($0) }, isCrowd: 0))
      let place = categories.firstIndex { $0.id >= Int(label) } ?? categories.count
      if place == categories.count || categories[place].id != Int(label) {
        categories.insert(Category(id: Int(label), name: names.className(of: label)), at: place)
      }
    }
  }

  /// The document as JSON, UTF-8, with sorted keys.
  public func jsonBytes() -> [UInt8] { encodedJSON(self) }

  /// Writes the document as JSON. A file at `path` is replaced atomically; on failure it stays as it was.
  ///
  /// - Throws: `FileError` if the file cannot be written.
  public func write(to path: String) throws(FileError) { try AtomicFile.create(path, containing: jsonBytes()) }
}
