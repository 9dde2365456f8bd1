"""Where boxes stand: in rows, each below all that it reads; few crossings, edges past boxes, not through them.

The usual method for layered drawings (Sugiyama, Tagawa, Toda 1981): rows by longest path, edges over several rows cut
into parts, order within rows by the mean place of the neighbours.
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

BOX, GAP, ROW, BEND = 190, 26, 92, 20
"""Width of a box, the gap between two, the height of a row, the width that an edge takes in a row."""
SWEEPS = 6
BENDS = 20000
"""Edges that together would have more bends are drawn straight."""


@dataclass(frozen=True)
class Placed:
    """centres: where each box stands. paths: for each edge the points that it goes through. Sizes in pixels."""

    centres: Sequence[tuple[float, float]]
    paths: Sequence[Sequence[tuple[float, float]]]
    width: float
    height: float


def placed(count: int, edges: Sequence[tuple[int, int]]) -> Placed:
    """Place `count` boxes, numbered in an order in which they can run, with edges between them."""
    rows = _rows(count, edges)
    bends = sum(max(rows[b] - rows[a] - 1, 0) for a, b in edges)
    chains, row_of = _chains(edges, rows, bends <= BENDS)
    order = _ordered(row_of, chains, max(rows, default=0) + 1)
    x = _across(order, chains, count)
    left = min((x[i] - BOX / 2 for i in range(count)), default=0)
    right = max((x[i] + BOX / 2 for i in range(count)), default=BOX)
    points = {i: (x[i] - left + GAP, row_of[i] * ROW + ROW / 2) for i in row_of}
    return Placed(
        [points[i] for i in range(count)],
        [[points[i] for i in chain] for chain in chains],
        right - left + 2 * GAP,
        (max(rows, default=0) + 1) * ROW,
    )


def _rows(count: int, edges: Sequence[tuple[int, int]]) -> list[int]:
    after: dict[int, list[int]] = defaultdict(list)
    waits = [0] * count
    for a, b in edges:
        after[a].append(b)
        waits[b] += 1
    rows, ready = [0] * count, [i for i in range(count) if not waits[i]]
    while ready:
        i = ready.pop()
        for j in after[i]:
            rows[j] = max(rows[j], rows[i] + 1)
            waits[j] -= 1
            if not waits[j]:
                ready.append(j)
    before: dict[int, list[int]] = defaultdict(list)
    for a, b in edges:
        before[b].append(a)
    for i in range(count):  # what reads nothing stands right above who reads it
        if not before[i] and after[i]:
            rows[i] = min(rows[j] for j in after[i]) - 1
    return rows


def _chains(edges: Sequence[tuple[int, int]], rows: Sequence[int], cut: bool) -> tuple[list[list[int]], dict[int, int]]:
    """Return each edge as numbers of boxes and bends, and the row of each; bends are numbered on from the boxes."""
    row_of = dict(enumerate(rows))
    chains = []
    for a, b in edges:
        chain = [a]
        for row in range(rows[a] + 1, rows[b]) if cut else ():
            chain.append(len(row_of))
            row_of[chain[-1]] = row
        chains.append([*chain, b])
    return chains, row_of


def _ordered(row_of: Mapping[int, int], chains: Sequence[Sequence[int]], count: int) -> list[list[int]]:
    order: list[list[int]] = [[] for _ in range(count)]
    for i, number in row_of.items():
        order[number].append(i)
    up, down = _neighbours(chains)
    for sweep in range(SWEEPS):
        near = up if sweep % 2 == 0 else down
        place = {i: n for row in order for n, i in enumerate(row)}
        for row in order if sweep % 2 == 0 else order[::-1]:
            key = {i: sum(place[j] for j in near[i]) / len(near[i]) if near[i] else place[i] for i in row}
            row.sort(key=key.__getitem__)
            place.update({i: n for n, i in enumerate(row)})
    return order


def _across(order: Sequence[Sequence[int]], chains: Sequence[Sequence[int]], count: int) -> dict[int, float]:
    """Return x of each box and bend: rows packed about the middle, then drawn towards their neighbours."""
    up, down = _neighbours(chains)
    room = {i: (BOX + GAP if i < count else BEND) for row in order for i in row}
    x: dict[int, float] = {}
    for row in order:
        start = -sum(room[i] for i in row) / 2
        for i in row:
            x[i] = start + room[i] / 2
            start += room[i]
    for sweep in range(SWEEPS):
        near = up if sweep % 2 == 0 else down
        for row in order if sweep % 2 == 0 else reversed(order):
            wanted = [sum(x[j] for j in near[i]) / len(near[i]) if near[i] else x[i] for i in row]
            x.update(zip(row, _apart(wanted, [room[i] for i in row]), strict=True))
    return x


def _apart(wanted: Sequence[float], room: Sequence[float]) -> list[float]:
    """Return places near those wanted, in the same order, each with its room: blocks that meet share their mean."""
    blocks: list[tuple[float, float, list[int]]] = []  # middle, width, members
    for i, middle in enumerate(wanted):
        block = (middle, room[i], [i])
        while blocks and blocks[-1][0] + blocks[-1][1] / 2 > block[0] - block[1] / 2:
            last = blocks.pop()
            members = [*last[2], *block[2]]
            width, start, shift = 0.0, 0.0, 0.0
            for j in members:
                shift += wanted[j] - (width + room[j] / 2)
                width += room[j]
            start = shift / len(members)
            block = (start + width / 2, width, members)
        blocks.append(block)
    found = [0.0] * len(wanted)
    for middle, width, members in blocks:
        at = middle - width / 2
        for j in members:
            found[j] = at + room[j] / 2
            at += room[j]
    return found


def _neighbours(chains: Sequence[Sequence[int]]) -> tuple[dict[int, list[int]], dict[int, list[int]]]:
    up: dict[int, list[int]] = defaultdict(list)
    down: dict[int, list[int]] = defaultdict(list)
    for chain in chains:
        for a, b in itertools.pairwise(chain):
            up[b].append(a)
            down[a].append(b)
    return up, down
