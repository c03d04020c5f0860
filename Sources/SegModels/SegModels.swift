// Tensors, images and models of SegEngine are in the functions of this module.
@_exported import SegEngine
