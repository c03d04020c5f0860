"""Writes the conformance cases of the onnx package to a folder: generate.py FOLDER.

FOLDER/NAME/model.onnx is a case's model, FOLDER/NAME/data_set_N/input_I.npy and output_I.npy are its data, and
FOLDER/index.json lists the cases with what is skipped and why. An operand that is left out has no file.
"""

import argparse
import copy
import json
import pathlib
import shutil
import warnings

import numpy
import onnx
import onnx.version_converter
from onnx import TensorProto, helper, numpy_helper

DATA = pathlib.Path(onnx.__file__).parent / "backend/test/data"

# The types that the import reads. The others are text, complex numbers and scales of eight bits.
TYPES = {
    TensorProto.FLOAT, TensorProto.UINT8, TensorProto.INT8, TensorProto.UINT16, TensorProto.INT16, TensorProto.INT32,
    TensorProto.INT64, TensorProto.BOOL, TensorProto.FLOAT16, TensorProto.DOUBLE, TensorProto.UINT32,
    TensorProto.UINT64, TensorProto.BFLOAT16, TensorProto.FLOAT8E4M3FN, TensorProto.FLOAT8E4M3FNUZ,
    TensorProto.FLOAT8E5M2, TensorProto.FLOAT8E5M2FNUZ, TensorProto.UINT4, TensorProto.INT4, TensorProto.FLOAT4E2M1,
}  # fmt: skip

# The operator sets that the import reads.
OLDEST, NEWEST = 1, 25

# Random numbers differ between programs, so the outputs in such a case are not to be compared.
RANDOM = {"Bernoulli", "RandomNormal", "RandomNormalLike", "RandomUniform", "RandomUniformLike", "Multinomial"}


def nodes(graph):
    for node in graph.node:
        yield node
        for attribute in node.attribute:
            if attribute.type == onnx.AttributeProto.GRAPH:
                yield from nodes(attribute.g)


def version(model):
    return max((entry.version for entry in model.opset_import if entry.domain in ("", "ai.onnx")), default=1)


def relabelled(model, target):
    """The model as one for another operator set, or None where its operators differ there.

    The package has cases for each operator's latest version only, and most of those differ from the version before in
    element types alone. They are the same where every operator exists with these attributes and operands.
    """
    for node in nodes(model.graph):
        try:
            schema = onnx.defs.get_schema(node.op_type, target, "")
        except onnx.defs.SchemaError:
            return None
        if any(attribute.name not in schema.attributes for attribute in node.attribute):
            return None
        if len(node.input) > schema.max_input or len(node.output) > schema.max_output:
            return None
    model = copy.deepcopy(model)
    for entry in model.opset_import:
        if entry.domain in ("", "ai.onnx"):
            entry.version = target
    return model


def within_range(model):
    """The model in an operator set that is read, or None. Old ones that differ go through the package's converter."""
    if version(model) > NEWEST:
        return relabelled(model, NEWEST)
    if version(model) < OLDEST:
        return relabelled(model, OLDEST) or onnx.version_converter.convert_version(model, OLDEST)
    return model


def trains(model, sets):
    """Whether a Dropout is told to drop something."""
    for node in model.graph.node:
        if node.op_type == "Dropout" and len(node.input) > 2:
            names = [port.name for port in model.graph.input]
            for inputs, _ in sets:
                values = dict(zip(names, inputs))
                values.update((tensor.name, numpy_helper.to_array(tensor)) for tensor in model.graph.initializer)
                if numpy.any(values.get(node.input[2])) and numpy.any(values.get(node.input[1], 0.5)):
                    return True
    return False


def type_name(number):
    return TensorProto.DataType.Name(number).lower()


def reason_to_skip(model):
    """Why a case is not to be run, or None."""
    for port in [*model.graph.input, *model.graph.output]:
        kind = port.type.WhichOneof("value")
        if kind != "tensor_type":
            return f"{(kind or 'untyped').removesuffix('_type')} input or output"
        if port.type.tensor_type.elem_type not in TYPES:
            return f"type {type_name(port.type.tensor_type.elem_type)}"
    for tensor in model.graph.initializer:
        if tensor.data_type not in TYPES:
            return f"type {type_name(tensor.data_type)}"
    functions = {(function.domain, function.name) for function in model.functions}
    for node in nodes(model.graph):
        if (node.domain, node.op_type) in functions:
            continue
        if node.domain not in ("", "ai.onnx"):
            return f"domain {node.domain}"
        if node.op_type in RANDOM:
            return "random numbers"
        if node.op_type.startswith(("Optional", "String", "SequenceMap")):
            return "optionals, text or maps of sequences"
        for attribute in node.attribute:
            if attribute.name == "training_mode" and attribute.i:
                return "training"
    if within_range(model) is None:
        return f"operators of sets after {NEWEST}"
    return None


def array(value):
    """A value in a type that is read: narrow types as wider ones, which hold them exactly, and uint64 as int64."""
    value = numpy_helper.to_array(value) if isinstance(value, onnx.TensorProto) else numpy.asarray(value)
    if value.dtype == numpy.uint64:
        assert value.max(initial=0) < 1 << 63
        return value.astype(numpy.int64)
    if value.dtype.name in ("int4", "uint4"):
        return value.astype(numpy.int32 if value.dtype.name == "int4" else numpy.uint8)
    is_narrow = value.dtype.name.startswith(("bfloat16", "float8", "float4"))
    return value.astype(numpy.float32) if is_narrow else value


def tensor(data):
    proto = onnx.TensorProto()
    proto.ParseFromString(data)
    return numpy_helper.to_array(proto)


def stored_sets(folder):
    for data_set in sorted(folder.glob("test_data_set_*")):

        def values(kind):
            files = sorted(data_set.glob(f"{kind}_*.pb"), key=lambda f: int(f.stem.split("_")[-1]))
            return [tensor(f.read_bytes()) for f in files]

        yield values("input"), values("output")


def light_set(model, path):
    """The case of a light network: its input is what the package's own runner makes, its outputs are stored."""
    initialized = {tensor.name for tensor in model.graph.initializer}
    inputs = []
    for port in model.graph.input:
        if port.name in initialized:
            continue
        shape = tuple(d.dim_value for d in port.type.tensor_type.shape.dim)
        count = int(numpy.prod(shape))
        inputs.append((numpy.arange(count).reshape(shape) / count).astype(numpy.float32))
    outputs = [
        tensor(path.with_name(f"{path.stem}_output_{i}.pb").read_bytes()) for i in range(len(model.graph.output))
    ]
    return inputs, outputs


def cases():
    """Group, name, model, data sets and tolerances of every case."""
    from onnx.backend.test.case.node import collect_testcases

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for case in collect_testcases(None):
            yield "node", case.name, case.model, case.data_sets, case.rtol, case.atol
    for group in ("simple", "pytorch-converted", "pytorch-operator"):
        for folder in sorted((DATA / group).iterdir()):
            if (folder / "model.onnx").exists():
                yield group, folder.name, onnx.load(folder / "model.onnx"), folder, 1e-3, 1e-7
    for path in sorted((DATA / "light").glob("*.onnx")):
        yield "light", path.stem, onnx.load(path), path, 1e-3, 1e-5


def write(folder, model, sets):
    for number, (inputs, outputs) in enumerate(sets):
        place = folder / f"data_set_{number}"
        place.mkdir(parents=True)
        for kind, values in (("input", inputs), ("output", outputs)):
            for index, value in enumerate(values):
                if value is not None:
                    numpy.save(place / f"{kind}_{index}.npy", array(value))
    (folder / "model.onnx").write_bytes(model.SerializeToString())


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=pathlib.Path)
    folder = parser.parse_args().folder
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    index, skipped = [], []
    for group, name, model, data, rtol, atol in cases():
        reason = reason_to_skip(model)
        if reason is None:
            if group == "light":
                sets = [light_set(model, data)]
            elif isinstance(data, pathlib.Path):
                sets = list(stored_sets(data))
            else:
                sets = data
            reason = "training" if trains(model, sets) else None
        if reason is not None:
            skipped.append({"name": name, "group": group, "reason": reason})
            continue
        model = within_range(model)
        write(folder / name, model, sets)
        index.append({
            "name": name, "group": group, "rtol": rtol, "atol": atol, "sets": len(sets),
            "inputs": [port.name for port in model.graph.input], "outputs": [port.name for port in model.graph.output],
            "operators": sorted({node.op_type for node in model.graph.node}),
        })  # fmt: skip
    (folder / "index.json").write_text(json.dumps({"onnx": onnx.__version__, "cases": index, "skipped": skipped}, indent=1))
    counts = {}
    for entry in skipped:
        counts[entry["reason"]] = counts.get(entry["reason"], 0) + 1
    print(f"{len(index)} cases of onnx {onnx.__version__}; {len(skipped)} are skipped:")
    for reason, count in sorted(counts.items(), key=lambda item: -item[1]):
        print(f"  {count:4} {reason}")


if __name__ == "__main__":
    main()
