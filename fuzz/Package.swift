// swift-tools-version: 6.2
import PackageDescription

// A package of its own: it builds only with libFuzzer, which has the program's main function (`make fuzz`).
let package = Package(
  name: "fuzz",
  platforms: [.macOS(.v15)],
  dependencies: [.package(name: "swift-segmentation", path: "..")],
  targets: [
    .executableTarget(
      name: "fuzz-readers",
      dependencies: [
        .product(name: "SegEngine", package: "swift-segmentation"),
        .product(name: "SegModels", package: "swift-segmentation"),
        .product(name: "SegIO", package: "swift-segmentation"),
      ],
      swiftSettings: [.unsafeFlags(["-parse-as-library"])])
  ],
  swiftLanguageModes: [.v6]
)
