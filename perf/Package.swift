// swift-tools-version: 6.2
import PackageDescription

// A package of its own, so that nothing that measures weighs on those who depend on the library.
let package = Package(
  name: "perf",
  platforms: [.macOS(.v15)],
  dependencies: [
    .package(name: "swift-segmentation", path: ".."),
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
  ],
  targets: [
    .systemLibrary(
      name: "CCMarkGFM", pkgConfig: "libcmark-gfm",
      providers: [.apt(["libcmark-gfm-dev", "libcmark-gfm-extensions-dev"]), .brew(["cmark-gfm"])]),
    .executableTarget(
      name: "seg-bench",
      dependencies: [
        "CCMarkGFM",
        .product(name: "SegEngine", package: "swift-segmentation"),
        .product(name: "SegModels", package: "swift-segmentation"),
        .product(name: "SegTraining", package: "swift-segmentation"),
        .product(name: "SegIO", package: "swift-segmentation"),
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ],
      resources: [.embedInCode("Site/style.css")]),
    .testTarget(name: "ReportTests", dependencies: ["seg-bench"]),
  ],
  swiftLanguageModes: [.v6]
)
