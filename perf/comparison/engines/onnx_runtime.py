"""ONNX Runtime on the CPU with every optimisation, which is its default."""
import numpy as np
import onnxruntime


class ONNXRuntime:
    precision = "float32"

    def __init__(self, files, threads):
        settings = onnxruntime.SessionOptions()
        settings.intra_op_num_threads = threads
        settings.inter_op_num_threads = 1
        self._session = onnxruntime.InferenceSession(files.onnx, settings, providers=["CPUExecutionProvider"])
        given, taken = self._session.get_inputs()[0].name, self._session.get_outputs()[0]
        # Bound once, so that no run allocates or copies its output.
        self._result = onnxruntime.OrtValue.ortvalue_from_numpy(np.empty(taken.shape, np.float32))
        self._binding = self._session.io_binding()
        self._image = onnxruntime.OrtValue.ortvalue_from_numpy(np.load(files.input)[given])
        self._binding.bind_ortvalue_input(given, self._image)
        self._binding.bind_ortvalue_output(taken.name, self._result)

    def run(self):
        self._session.run_with_iobinding(self._binding)

    def output(self):
        return self._result.numpy()
