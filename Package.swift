// swift-tools-version: 6.2
import PackageDescription

let package = Package(
  name: "swift-segmentation",
  platforms: [.macOS(.v15)],
  products: [
    .library(name: "SegEngine", targets: ["SegEngine"]),
    .library(name: "SegModels", targets: ["SegModels"]),
    .library(name: "SegTraining", targets: ["SegTraining"]),
    .library(name: "SegWeights", targets: ["SegWeights"]),
    .library(name: "SegImages", targets: ["SegImages"]),
    .library(name: "SegONNX", targets: ["SegONNX"]),
    .library(name: "SegIO", targets: ["SegIO"]),
    .executable(name: "seg", targets: ["seg"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    .package(url: "https://github.com/apple/swift-protobuf", from: "1.39.0"),
    .package(url: "https://github.com/swiftlang/swift-docc-plugin", from: "1.5.0"),
  ],
  targets: [
    // The boundary to C: products and factorisations, vector kernels, image codecs, zip archives.
    .systemLibrary(
      name: "COpenBLAS", pkgConfig: "openblas",
      providers: [.apt(["libopenblas-dev", "liblapacke-dev"]), .brew(["openblas"])]),
    .target(name: "CSegKernels"),
    .systemLibrary(name: "CPNG", pkgConfig: "libpng", providers: [.apt(["libpng-dev"]), .brew(["libpng"])]),
    .systemLibrary(name: "CJPEG", pkgConfig: "libjpeg", providers: [.apt(["libjpeg-dev"]), .brew(["jpeg-turbo"])]),
    .systemLibrary(name: "CTIFF", pkgConfig: "libtiff-4", providers: [.apt(["libtiff-dev"]), .brew(["libtiff"])]),
    .systemLibrary(name: "CWebP", pkgConfig: "libwebpdemux", providers: [.apt(["libwebp-dev"]), .brew(["webp"])]),
    .systemLibrary(name: "CGIF", pkgConfig: "libgif", providers: [.apt(["libgif-dev"]), .brew(["giflib"])]),
    .systemLibrary(name: "CEXIF", pkgConfig: "libexif", providers: [.apt(["libexif-dev"]), .brew(["libexif"])]),
    .systemLibrary(name: "CZip", pkgConfig: "libzip", providers: [.apt(["libzip-dev"]), .brew(["libzip"])]),
    // libpng and libjpeg longjmp and libtiff is variadic: none can be called from Swift as it is. libheif is looked for at run time.
    .target(name: "CPNGShim", dependencies: ["CPNG"]),
    .target(name: "CJPEGShim", dependencies: ["CJPEG"]),
    .target(name: "CTIFFShim", dependencies: ["CTIFF"]),
    .target(name: "CGIFShim", dependencies: ["CGIF"]),
    .target(name: "CHEIFShim"),

    // The engine and the networks.
    .target(name: "SegEngine", dependencies: ["COpenBLAS", "CSegKernels"]),
    .target(name: "SegModels", dependencies: ["SegEngine"]),
    .target(name: "SegTraining", dependencies: ["SegEngine", "SegModels", "SegONNX", "SegIO"]),
    // Files: paths, bytes and errors; then a target for each kind, with its libraries; then all of them.
    .target(name: "SegFiles", dependencies: ["SegEngine"]),
    .target(name: "SegWeights", dependencies: ["SegEngine", "SegFiles", "CZip"]),
    .target(
      name: "SegImages",
      dependencies: [
        "SegEngine", "SegFiles", "CPNGShim", "CJPEGShim", "CTIFFShim", "CWebP", "CGIFShim", "CHEIFShim", "CEXIF",
      ]),
    .target(
      name: "SegONNX",
      dependencies: [
        "SegEngine", "SegModels", "SegFiles", "SegWeights",
        .product(name: "SwiftProtobuf", package: "swift-protobuf"),
      ], exclude: ["Format/onnx.proto"]),
    .target(name: "CBundledWeights", exclude: ["weights"]),
    .target(
      name: "SegIO",
      dependencies: ["SegEngine", "SegModels", "SegFiles", "SegWeights", "SegImages", "SegONNX", "CBundledWeights"]),

    .executableTarget(
      name: "seg",
      dependencies: [
        "SegEngine", "SegModels", "SegTraining", "SegIO",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ]),

    .target(name: "TestSupport", dependencies: ["SegEngine"], path: "Tests/TestSupport"),
    .target(name: "AllocationCounter", path: "Tests/AllocationCounter"),
    .testTarget(name: "SegEngineTests", dependencies: ["SegEngine", "SegIO", "TestSupport", "AllocationCounter"]),
    .testTarget(
      name: "SegTrainingTests", dependencies: ["SegTraining", "SegModels", "SegEngine", "SegIO", "TestSupport"]),
    .testTarget(name: "SegModelsTests", dependencies: ["SegModels", "SegIO", "TestSupport"]),
    .testTarget(
      name: "SegIOTests", dependencies: ["SegIO", "SegFiles", "SegWeights", "SegImages", "SegONNX", "TestSupport"]),
    .testTarget(name: "CommandLineTests", dependencies: ["SegModels", "SegIO", "TestSupport", "seg"]),
  ],
  swiftLanguageModes: [.v6],
  cLanguageStandard: .gnu17
)
