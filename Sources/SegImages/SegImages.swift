// The functions of this module use tensors, images and models of SegEngine.
@_exported import SegEngine
