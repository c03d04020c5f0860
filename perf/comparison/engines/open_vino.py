"""OpenVINO on the CPU: in float32 by its precision hint, or at its defaults, which take bfloat16 where the processor has it."""
import numpy as np
import openvino


class OpenVINO:
    def __init__(self, files, threads, float32):
        core = openvino.Core()
        settings = {"INFERENCE_NUM_THREADS": threads}
        if float32:
            settings["INFERENCE_PRECISION_HINT"] = "f32"
        model = core.compile_model(core.read_model(files.onnx), "CPU", settings)
        self.precision = {"f32": "float32", "bf16": "bfloat16", "f16": "float16"}[
            model.get_property("INFERENCE_PRECISION_HINT").get_type_name()]
        self._request = model.create_infer_request()
        self._image = np.load(files.input)[model.input(0).any_name]
        self._request.set_input_tensor(openvino.Tensor(self._image, shared_memory=True))

    def run(self):
        # Not `infer`, which copies the output.
        self._request.start_async()
        self._request.wait()

    def output(self):
        return self._request.get_output_tensor().data
