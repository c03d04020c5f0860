"""ncnn on the CPU: in float32, or at its defaults. Winograd, packing and sgemm are on in both, as they are by default."""
import ncnn
import numpy as np

#: Every option that lets ncnn keep or compute anything in fewer bits.
NARROW = [
    "use_fp16_packed", "use_fp16_storage", "use_fp16_arithmetic", "use_bf16_packed", "use_bf16_storage", "use_int8_packed",
    "use_int8_storage", "use_int8_arithmetic", "use_int8_inference",
]


class NCNN:
    def __init__(self, files, threads, float32):
        self._net = ncnn.Net()
        self._net.opt.num_threads = threads
        self._net.opt.use_vulkan_compute = False
        if float32:
            for name in NARROW:
                setattr(self._net.opt, name, False)
        self.precision = "float32" if float32 else "default options"
        if self._net.load_param(files.ncnn_structure) or self._net.load_model(files.ncnn_weights):
            raise RuntimeError("the converted network cannot be loaded")
        image = next(iter(np.load(files.input).values()))
        self._image = ncnn.Mat(np.ascontiguousarray(image[0])).clone()
        self._result = None

    def run(self):
        extractor = self._net.create_extractor()
        extractor.input("in0", self._image)
        code, self._result = extractor.extract("out0")
        if code:
            raise RuntimeError(f"a run ends with code {code}")

    def output(self):
        return np.array(self._result)[None]
