// SegIO is the three kinds of files together, and what needs more than one of them.
@_exported import SegImages
@_exported import SegONNX
@_exported import SegWeights
