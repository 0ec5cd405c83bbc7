"""How every layer is cut into blocks: into few, so that they need few cores, and among those so that few spikes travel."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import product
from math import prod

from snn2hw.estimation.mapping.needs import Cut, Needs
from snn2hw.estimation.resources import Layer, Resources
from snn2hw.target import Cores

MOST_PARTS = 20  # numbers of parts that are tried along one axis
SPARE = 1.1  # blocks more than the fewest, that fewer spikes may cost


def cut_layers(found: Resources, cores: Cores, spikes: Mapping[str, float]) -> dict[str, Cut]:
    """How each layer that fits is cut, the last first: how many cores a neuron sends to depends on those behind it.

    Args:
        found: what the layers need. cores: the chip's. spikes: that a value of a layer sends, on average.
    """
    chosen = dict[str, Cut]()
    for layer in reversed(found.placed):
        needs = Needs(found, layer, cores, chosen)
        if (cut := cut_layer(needs, spikes)) is not None:
            chosen[layer.name] = cut
    return {layer.name: chosen[layer.name] for layer in found.placed if layer.name in chosen}


def cut_layer(needs: Needs, spikes: Mapping[str, float]) -> Cut | None:
    """Of one layer; None where not even a single neuron has room on a core."""
    least, most = needs.fewest(), needs.cores.stated("cores_per_layer")
    ways = sorted((cut for cut in _ways(needs.view) if prod(cut) >= least), key=prod)
    fewest, best = 0, None
    for cut in ways:
        if (fewest and prod(cut) > SPARE * fewest) or (most is not None and prod(cut) > most):
            break
        if needs.fits(cut):
            fewest = fewest or prod(cut)
            score = (needs.traffic(cut, spikes), prod(cut))
            if best is None or score < best[0]:
                best = (score, cut)
    return best[1] if best else None


def _ways(view: Cut) -> Iterator[Cut]:
    c, h, w = map(parts, view)
    yield from product(c, h, w)


def parts(n: int) -> list[int]:
    """Numbers of parts that differ in the size of the largest, at most MOST_PARTS of them, 1 and n among them."""
    every = sorted({-(-n // size) for size in range(1, n + 1)})
    if len(every) <= MOST_PARTS:
        return every
    some = {round((len(every) - 1) * k / (MOST_PARTS - 1)) for k in range(MOST_PARTS)}
    return [every[k] for k in sorted(some)]


def refined(cut: Mapping[str, Cut], layers: Mapping[str, Layer], most: int) -> dict[str, Cut]:
    """Cut further, the largest blocks first, as long as there are no more than `most` of them: more to choose from.

    Args:
        cut: how each layer is cut. layers: with their views. most: blocks of the whole network.
    """
    fine = dict(cut)
    while True:
        blocks = sum(map(prod, fine.values()))
        grown = list[tuple[int, str, Cut]]()
        for name, now in fine.items():
            sizes = [-(-n // k) for n, k in zip(layers[name].population.view, now, strict=True)]
            axis = max(range(3), key=lambda a: sizes[a])
            if sizes[axis] > 1:
                more = -(-layers[name].population.view[axis] // -(-sizes[axis] // 2))
                after = (*now[:axis], more, *now[axis + 1 :])
                if blocks - prod(now) + prod(after) <= most:
                    grown.append((prod(sizes), name, (after[0], after[1], after[2])))
        if not grown:
            return fine
        _, name, after = max(grown)
        fine[name] = after
