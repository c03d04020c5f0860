import SegEngine

/// The colours of data sets.
extension LabelColors {
  /// The tables by their names on the command line.
  public static let byName: [String: LabelColors] = [
    "voc": voc, "cityscapes": cityscapes, "ade20k": ade20k, "potsdam": potsdam, "vaihingen": potsdam,
    "deepglobe": deepGlobe,
  ]

  /// PASCAL VOC: background and 20 classes. The borders of objects (224, 224, 192) are unlabelled.
  public static let voc = LabelColors(.pascalVOC, unlabelled: [Palette.pascalVOC[255]])

  /// Cityscapes: the 19 evaluated classes, in the order of their training ids. The colours of other classes are unlabelled, but pole
  /// groups and licence plates have the colours of poles and cars.
  public static let cityscapes = LabelColors(
    .cityscapes,
    unlabelled: Palette(hexadecimal: "000000 6f4a00 510051 faaaa0 e6968c b4a5b4 966464 96785a 00005a 00006e").colors)

  /// ADE20K: the 150 classes of the scene parsing benchmark, from 0; black is unlabelled. Classes 6 (road) and 48 (skyscraper) share a
  /// colour.
  public static let ade20k = LabelColors(.ade20k, unlabelled: [Palette.Color(0, 0, 0)])

  /// ISPRS Potsdam and Vaihingen: six classes; black is unlabelled.
  public static let potsdam = LabelColors(.potsdam, unlabelled: [Palette.Color(0, 0, 0)])

  /// DeepGlobe land cover: six classes; black is unlabelled.
  public static let deepGlobe = LabelColors(.deepGlobe, unlabelled: [Palette.Color(0, 0, 0)])

  /// Makes a table of a list's classes that have a name, and of the colours without a label.
  private init(_ classes: ClassList, unlabelled: [Palette.Color]) {
    let entries = classes.names.enumerated().map { label, name in
      Entry(label: UInt16(label), color: classes.palette[UInt16(label)], name: name)
    }
    self.init(entries + unlabelled.map { Entry(label: LabelMap.unlabelled, color: $0) })
  }
}
