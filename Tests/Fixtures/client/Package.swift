// swift-tools-version: 6.2
import PackageDescription

// A package like those of users: it depends on swift-segmentation by version. `SEGMENTATION_URL` says where the test has put its
// tagged copy.
let package = Package(
  name: "client",
  platforms: [.macOS(.v15)],
  dependencies: [
    .package(url: Context.environment["SEGMENTATION_URL"] ?? "", from: "0.1.0")
  ],
  targets: [
    .executableTarget(
      name: "client",
      dependencies: [
        .product(name: "SegEngine", package: "swift-segmentation"),
        .product(name: "SegModels", package: "swift-segmentation"),
        .product(name: "SegTraining", package: "swift-segmentation"),
        .product(name: "SegIO", package: "swift-segmentation"),
      ])
  ]
)
