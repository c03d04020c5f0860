// Networks and losses of SegModels are in the functions of this module.
@_exported import SegModels
