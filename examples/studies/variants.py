"""What is studied, as data: the networks, and the studies that set them side by side.

Nothing here imports Keras, so the report can be made without it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Images:
    """A network for pictures: for each of `filters` a convolution (kernel x kernel, relu) and a 2x2 pooling."""

    filters: tuple[int, ...]
    kernel: int = 3
    pooling: str = "max"
    dropout: float = 0.3
    task: str = "images"

    @property
    def name(self) -> str:
        """Its name in files: cnn-32-64-k3-max."""
        return _named("cnn", self.filters, f"k{self.kernel}", self.pooling, "" if self.dropout else "plain")


@dataclass(frozen=True)
class Texts:
    """A network for texts: an embedding of 128, then for each of `units` a recurrent layer.

    padding: the side on which texts are filled up with 0, "post" or "pre". mask: whether the layers skip that 0.
    """

    cell: str
    units: tuple[int, ...] = (64,)
    bidirectional: bool = False
    padding: str = "post"
    mask: bool = False
    dropout: float = 0.3
    task: str = "texts"

    @property
    def name(self) -> str:
        """Its name in files: lstm-64-bidirectional."""
        kind = {"SimpleRNN": "rnn", "LSTM": "lstm"}[self.cell]
        flags = ("bidirectional" if self.bidirectional else "", "pre" if self.padding == "pre" else "",
                 "mask" if self.mask else "", "" if self.dropout else "plain")  # fmt: skip
        return _named(kind, self.units, *flags)


Network = Images | Texts


@dataclass(frozen=True)
class Member:
    """A row of a study: what it is called there, its network, and the macro F1 the course project reported."""

    label: str
    network: Network
    original: float | None


@dataclass(frozen=True)
class Study:
    """Networks that differ in one thing.

    conclusion: what the course project concluded from them. better: whether that says that the last is better than the
    first, or that it is not.
    """

    key: str
    title: str
    members: tuple[Member, ...]
    conclusion: str = ""
    better: bool = True

    @property
    def task(self) -> str:
        """The data that its networks are trained on: images or texts."""
        return self.members[0].network.task


def _named(kind: str, sizes: tuple[int, ...], *flags: str) -> str:
    return "-".join((kind, *map(str, sizes), *filter(None, flags)))


def _recurrent(key: str, cell: str, f1: dict[str, tuple[float, ...]]) -> tuple[Study, ...]:
    base = Texts(cell)
    layers = [Member(_count(units, "layer"), replace(base, units=units), original)
              for units, original in zip(((64,), (64, 32), (64, 32, 16)), f1["layers"], strict=True)]  # fmt: skip
    units = [Member(f"{n} units", replace(base, units=(n,)), original)
             for n, original in zip((32, 64, 128), f1["units"], strict=True)]  # fmt: skip
    both = [Member("unidirectional", base, f1["direction"][0]),
            Member("bidirectional", replace(base, bidirectional=True), f1["direction"][1])]  # fmt: skip
    return (
        Study(f"{key}-layers", f"{cell}: number of layers", tuple(layers), "more layers do not help", better=False),
        Study(f"{key}-units", f"{cell}: number of units", tuple(units), "more units do not help", better=False),
        Study(f"{key}-direction", f"{cell}: direction", tuple(both), "reading in both directions helps much"),
    )


def _padding(key: str, cell: str) -> Study:
    base = Texts(cell)
    members = (
        Member("padding after the text, no mask", base, None),
        Member("padding after the text, masked", replace(base, mask=True), None),
        Member("padding before the text, no mask", replace(base, padding="pre"), None),
    )
    return Study(f"{key}-padding", f"{cell}: where the padding stands", members)


def _count(sizes: tuple[int, ...], noun: str) -> str:
    return f"{len(sizes)} {noun}{'s' if len(sizes) > 1 else ''} ({'-'.join(map(str, sizes))})"


BASE = Images((32, 64))

IMAGE_STUDIES = (
    Study(
        "cnn-layers",
        "CNN: number of convolutions",
        tuple(
            Member(_count(filters, "convolution"), Images(filters), original)
            for filters, original in (((32,), 0.6275), ((32, 64), 0.7035), ((32, 64, 128), 0.7415))
        ),
        "more convolutions help",
    ),
    Study(
        "cnn-filters",
        "CNN: number of filters",
        tuple(
            Member(f"{'-'.join(map(str, filters))} filters", Images(filters), original)
            for filters, original in (((16, 32), 0.6756), ((32, 64), 0.6998), ((64, 128), 0.7033))
        ),
        "more filters help a little",
    ),
    Study(
        "cnn-kernels",
        "CNN: size of the kernels",
        tuple(
            Member(f"{kernel}x{kernel} kernels", replace(BASE, kernel=kernel), original)
            for kernel, original in ((2, 0.6930), (3, 0.6964), (5, 0.7011))
        ),
        "larger kernels help a little",
    ),
    Study(
        "cnn-pooling",
        "CNN: kind of pooling",
        tuple(
            Member(f"{pooling} pooling", replace(BASE, pooling=pooling), original)
            for pooling, original in (("max", 0.6959), ("average", 0.7040))
        ),
        "average pooling is slightly better",
    ),
)

RNN = {"layers": (0.3334, 0.3518, 0.3379), "units": (0.3657, 0.3256, 0.2849), "direction": (0.3246, 0.4780)}
LSTM = {"layers": (0.1844, 0.1844, 0.1844), "units": (0.1844, 0.1827, 0.1827), "direction": (0.1844, 0.7428)}

PADDING = (_padding("lstm", "LSTM"), _padding("rnn", "SimpleRNN"))
STUDIES = (*IMAGE_STUDIES, *_recurrent("rnn", "SimpleRNN", RNN), *_recurrent("lstm", "LSTM", LSTM), *PADDING)

# Trained twice from the same weights on the same batches, by Keras and by kconvert; without dropout, whose random
# numbers the two draw differently, so that the curves have to be the same.
TWINS: tuple[Network, ...] = (
    replace(BASE, dropout=0.0),
    Texts("SimpleRNN", mask=True, dropout=0.0),
    Texts("LSTM", mask=True, dropout=0.0),
)


def networks() -> tuple[Network, ...]:
    """Every network of the studies, each once: several studies share their middle one."""
    return tuple({member.network.name: member.network for study in STUDIES for member in study.members}.values())
