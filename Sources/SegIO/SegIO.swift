// SegIO combines the modules for the three kinds of files, and contains the code that needs several of them.
@_exported import SegImages
@_exported import SegONNX
@_exported import SegWeights
