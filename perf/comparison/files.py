"""Where a network's files are."""
import os


class NetworkFiles:
    """The files of one network below its folder; `exporting.py` says what they hold."""

    def __init__(self, folder):
        def path(name):
            return os.path.join(folder, name)

        self.folder = folder
        self.onnx, self.module = path("net.onnx"), path("net.pt")
        self.ncnn_structure, self.ncnn_weights = path("net.ncnn.param"), path("net.ncnn.bin")
        self._conversion_failure = path("net.ncnn.failed")
        self.input, self.expected = path("input.npz"), path("expected.npy")

    @property
    def is_complete(self):
        """Whether the network is there; its ONNX file is written last."""
        return os.path.exists(self.onnx) and os.path.exists(self.expected)

    @property
    def is_converted(self):
        """Whether it is there for ncnn."""
        return os.path.exists(self.ncnn_weights)

    @property
    def conversion_failure(self):
        """Why it is not there for ncnn; nothing where it is."""
        if self.is_converted:
            return None
        with open(self._conversion_failure) as file:
            return file.read().strip()

    @conversion_failure.setter
    def conversion_failure(self, reason):
        with open(self._conversion_failure, "w") as file:
            file.write(reason)
