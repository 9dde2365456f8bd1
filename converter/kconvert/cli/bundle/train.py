"""`kbundle train`: train a bundle further, with NumPy alone."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from kconvert_schemas import console
from kconvert_schemas.bundle import require_writable
from kconvert_schemas.console import printable
from kconvert_schemas.errors import InputError, OutputError, show

if TYPE_CHECKING:
    from kconvert_runtime.train import Callback, History

PROGRAM = "kbundle"
BAR = 20
EXAMPLES = """\b
Examples:
  kbundle train model/ x.npy y.npy -o tuned/ --loss sparse_categorical_crossentropy --epochs 5
  kbundle train model/ x.npy y.npy -o tuned/ --loss mse --optimizer adam:learning_rate=1e-4 \\
      --metric mae --validation-split 0.2 --early-stopping 3 --history history.json --plot loss.svg
  kbundle train model/ x.npy y.npy -o tuned/ --loss mse --epochs 50 --resume

\b
The state is kept in OUTPUT.checkpoint.npz after each epoch; after an interruption, the same command with
--resume goes on from there, to the same result. The file goes away when the training is done.
"""


@click.command(epilog=EXAMPLES, short_help="Train a bundle further, with NumPy alone.")
@click.argument("out", metavar="OUT", type=click.Path(readable=False, path_type=Path))
@click.argument("x", metavar="X")
@click.argument("y", metavar="Y")
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path), help="Folder for the trained bundle.")
@click.option("--loss", required=True, help="Keras' name: mse, 'huber:delta=2'..., for an output as NAME=LOSS.")
@click.option("--optimizer", default="rmsprop", show_default=True, help="Keras' name, 'adam:learning_rate=1e-4'.")
@click.option("--metric", "metrics", multiple=True, help="Keras' name; may be given several times.")
@click.option("--epochs", type=click.IntRange(min=1), default=1, show_default=True)
@click.option("--batch-size", type=click.IntRange(min=1), default=32, show_default=True)
@click.option("--validation", nargs=2, metavar="X Y", help="Files to measure on after each epoch.")
@click.option("--validation-split", type=float, default=0.0, metavar="SHARE", help="Keep the last rows for that.")
@click.option("--sample-weight", metavar="FILE", help="A weight for each row.")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="For the order, and dropout.")
@click.option("--no-shuffle", is_flag=True, help="Take the rows in their order.")
@click.option("--trainable", "layers", multiple=True, metavar="LAYER", help="Train these layers only.")
@click.option("--early-stopping", type=click.IntRange(min=1), metavar="EPOCHS", help="Stop after EPOCHS without gain.")
@click.option("--reduce-lr", type=click.IntRange(min=1), metavar="EPOCHS", help="Divide the rate by 10 after EPOCHS.")
@click.option("--resume", is_flag=True, help="Go on after an interruption.")
@click.option("--history", type=click.Path(path_type=Path), metavar="FILE", help="Write losses and metrics as JSON.")
@click.option("--plot", "picture", type=click.Path(path_type=Path), metavar="FILE", help="Draw the loss as SVG.")
@console.debug_option
def train(out: Path, x: str, y: str, output: Path, history: Path | None, picture: Path | None, **given: Any) -> None:
    """Train the bundle OUT on the inputs in the file X and the labels in Y; the result is a bundle of its own.

    X and Y are .npy files, or .npz files with an array for each input or output. OUT stays as it is.
    """
    from kconvert_runtime import load
    from kconvert_runtime.train import fit, save
    from kconvert_runtime.train.problems import Problems

    problems = Problems()
    problems.trying(lambda: require_writable(output))
    problems.trying(lambda: _require_parent(history))
    problems.trying(lambda: _require_parent(picture))
    model = load(out)
    inputs, ports = model.graph.inputs.ports, model.graph.outputs.ports
    held = given["validation"] or (None, None)
    pairs = ((x, inputs), (y, ports), (held[0], inputs), (held[1], ports))
    read = [problems.trying(partial(_read, *pair)) if pair[0] else None for pair in pairs]
    weight = problems.trying(lambda: _only(given["sample_weight"], ports))
    problems.check()
    data, held_data = tuple(read[:2]), tuple(read[2:]) if given["validation"] else None
    checkpoint = output.with_name(f"{output.name}.checkpoint.npz")
    if given["resume"] and not checkpoint.exists():
        console.note(PROGRAM, f"there is no {printable(str(checkpoint))} to go on from; beginning anew")
    found = fit(
        model, *data, loss=_loss(given["loss"], [port.name for port in ports]), optimizer=given["optimizer"],
        metrics=_metrics(given["metrics"], len(ports), [port.name for port in ports]), epochs=given["epochs"],
        batch_size=given["batch_size"], validation_split=given["validation_split"], seed=given["seed"],
        validation_data=held_data, sample_weight=weight, shuffle=not given["no_shuffle"],
        trainable_layers=given["layers"] or None, callbacks=_callbacks(given, held_data is not None, data[0]),
        checkpoint=checkpoint, resume=given["resume"],
    )  # fmt: skip
    save(found.model, output)
    _write_reports(found, history, picture)
    checkpoint.unlink(missing_ok=True)
    click.echo(f"{printable(str(output))}: the trained bundle.")


def _read(file: str, ports: Sequence[Any]) -> Any:
    """Return the arrays of a file by port name; one array for one port."""
    from kconvert_runtime.files.arrays import read_npy, read_npz
    from kconvert_runtime.files.source import NPY_MAGIC, Source

    source = Source(file)
    if not source.is_stream and not Path(file).is_file():
        raise InputError(f"There is no file {show(file)}.")
    if source.head.startswith(NPY_MAGIC):
        return read_npy(source, ports)
    if source.head.startswith(b"PK"):
        return read_npz(source, ports)
    raise InputError(f"{show(file)} is neither an .npy nor an .npz file. Write one with numpy.save or numpy.savez.")


def _only(file: str | None, ports: Sequence[Any]) -> Any:
    """Return the array of an .npy file."""
    from kconvert_runtime.files.arrays import read_npy
    from kconvert_runtime.files.source import NPY_MAGIC, Source

    if file is None:
        return None
    source = Source(file)
    if not source.head.startswith(NPY_MAGIC):
        raise InputError(f"{show(file)} is not an .npy file of numbers.")
    return read_npy(source, ports[:1])[ports[0].name]


def _loss(text: str, names: Sequence[str]) -> Any:
    """One loss for all outputs, or NAME=LOSS for some, with ';' between them."""
    parts = [part.partition("=") for part in text.split(";")]
    if all(equals and name in names for name, equals, _ in parts):
        return {name: loss for name, _, loss in parts}
    return text


def _metrics(given: Sequence[str], outputs: int, names: Sequence[str]) -> Any:
    if outputs == 1:
        return list(given)
    found: dict[str, list[str]] = {}
    for text in given:
        name, equals, metric = text.partition("=")
        if not equals or name not in names:
            raise InputError(f"This model has several outputs; give --metric as NAME=METRIC, got {show(text)}.")
        found.setdefault(name, []).append(metric)
    return found


def _callbacks(given: Mapping[str, Any], held: bool, x: Any) -> list[Callback]:
    from kconvert_runtime.train import EarlyStopping, ReduceLROnPlateau

    watched = "val_loss" if held or given["validation_split"] else "loss"
    found: list[Callback] = []
    if given["early_stopping"]:
        found.append(EarlyStopping(monitor=watched, patience=given["early_stopping"], restore_best_weights=True))
    if given["reduce_lr"]:
        found.append(ReduceLROnPlateau(monitor=watched, patience=given["reduce_lr"]))
    rows = len(next(iter(x.values())))
    rows -= rows - int(rows * (1 - given["validation_split"])) if given["validation_split"] and not held else 0
    return [*found, _progress(given["epochs"], -(-rows // given["batch_size"]))]


def _progress(epochs: int, batches: int) -> Callback:
    """Return a callback that shows a bar on a terminal, and a line for each epoch."""
    from kconvert_runtime.train import Callback, Training

    live = sys.stderr.isatty()

    class Progress(Callback):
        def on_batch_end(self, training: Training, batch: int, logs: Mapping[str, float]) -> None:
            if live:
                done = BAR * (batch + 1) // batches
                bar = "#" * done + "-" * (BAR - done)
                line = f"epoch {training.epoch + 1}/{epochs} [{bar}] {batch + 1}/{batches}  {_numbers(logs)}"
                print(f"\r{line}\x1b[K", end="", file=sys.stderr, flush=True)

        def on_epoch_end(self, training: Training, epoch: int, logs: dict[str, float]) -> None:
            if live:
                print("\r\x1b[K", end="", file=sys.stderr, flush=True)
            click.echo(f"epoch {epoch + 1}/{epochs}  {_numbers(logs)}")
            sys.stdout.flush()

    return Progress()


def _numbers(logs: Mapping[str, float]) -> str:
    return "  ".join(f"{printable(name)} {value:.4g}" for name, value in logs.items())


def _write_reports(found: History, history: Path | None, picture: Path | None) -> None:
    from kconvert_runtime.train.plot import plot

    if history is not None:
        _write(history, json.dumps(found.as_json(), indent=1) + "\n")
    if picture is not None:
        _write(picture, plot(found.history))


def _write(file: Path, text: str) -> None:
    try:
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise OutputError(f"{show(file)} cannot be written: {error.strerror or error}.") from error


def _require_parent(file: Path | None) -> None:
    if file is not None and not file.parent.is_dir():
        raise OutputError(f"{show(file)} cannot be written: there is no folder {show(file.parent)}; create it first.")
