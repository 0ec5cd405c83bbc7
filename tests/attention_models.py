"""Spiking attention as it is written in torch: the published modules' axes, and others that mean the same."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from snn2hw import nn

CHANNELS, HEADS, SIZE = 8, 2, 4
Model = torch.nn.Module


def fire() -> Model:
    return nn.LIF(0.5, threshold=0.5)


class PublishedAttention(torch.nn.Module):
    """Spikformer's: Linear and BatchNorm1d over [T*N, L, C], heads split by reshape and permute, (q k^T) v * scale."""

    def __init__(self, dim: int = CHANNELS, heads: int = HEADS, scale: float = 0.125) -> None:
        super().__init__()
        self.heads, self.scale = heads, scale
        for name in "qkv":
            setattr(self, f"{name}_linear", torch.nn.Linear(dim, dim))
            setattr(self, f"{name}_bn", torch.nn.BatchNorm1d(dim))
            setattr(self, f"{name}_lif", fire())
        self.attn_lif = nn.LIF(0.5, threshold=0.25)
        self.proj_linear, self.proj_bn, self.proj_lif = torch.nn.Linear(dim, dim), torch.nn.BatchNorm1d(dim), fire()

    def spikes(self, name: str, x: Any, shape: Any) -> Any:
        steps, batch, tokens, channels = shape
        y = getattr(self, f"{name}_linear")(x.flatten(0, 1))
        y = (
            getattr(self, f"{name}_bn")(y.transpose(-1, -2))
            .transpose(-1, -2)
            .reshape(steps, batch, tokens, channels)
            .contiguous()
        )
        return getattr(self, f"{name}_lif")(y)

    def split(self, x: Any, shape: Any) -> Any:
        steps, batch, tokens, channels = shape
        return x.reshape(steps, batch, tokens, self.heads, channels // self.heads).permute(0, 1, 3, 2, 4).contiguous()

    def forward(self, x: Any) -> Any:
        T, B, N, C = x.shape  # noqa: N806
        shape = (T, B, N, C)
        q, k, v = (self.split(self.spikes(name, x, shape), shape) for name in "qkv")
        x = (q @ k.transpose(-2, -1)) @ v * self.scale
        x = self.attn_lif(x.transpose(2, 3).reshape(T, B, N, C).contiguous())
        return self.spikes("proj", x, shape)


class Block(torch.nn.Module):
    """Attention and a perceptron on tokens, both with a residual of spikes."""

    def __init__(self, attention: Model | None = None, dim: int = CHANNELS) -> None:
        super().__init__()
        self.attn = PublishedAttention() if attention is None else attention
        self.fc1, self.fire1 = nn.Linear(dim, 2 * dim), fire()
        self.fc2, self.fire2 = nn.Linear(2 * dim, dim), fire()

    def forward(self, x: Any) -> Any:
        x = x + self.attn(x)
        return x + self.fire2(self.fc2(self.fire1(self.fc1(x))))


class Spikformer(torch.nn.Module):
    """Patch splitting by convolutions, blocks on [T, N, L, C], the mean of the tokens, a head."""

    def __init__(self, *blocks: Model) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            nn.Conv2d(2, CHANNELS, 3, padding=1), nn.BatchNorm2d(CHANNELS), nn.LIF(0.5, threshold=0.5), nn.MaxPool2d(2)
        )
        self.blocks = nn.Sequential(*(blocks or (Block(),)))
        self.head = nn.Linear(CHANNELS, 4)

    def forward(self, x: Any) -> Any:
        y = self.stem(x).flatten(3).transpose(-1, -2)
        return self.head(self.blocks(y).mean(2))


class MapAttention(torch.nn.Module):
    """On maps [T, N, C, H, W], convolutions of one place; `how` joins q, k and v of [T, N, heads, d, L]."""

    def __init__(self, how: Callable[..., Any], heads: int = HEADS) -> None:
        super().__init__()
        self.heads, self.how = heads, how
        self.q, self.k, self.v = (
            nn.Sequential(nn.Conv2d(CHANNELS, CHANNELS, 1), nn.BatchNorm2d(CHANNELS), fire()) for _ in range(3)
        )
        self.inner, self.out = nn.LIF(0.5, threshold=1.5), nn.LIF(0.5, threshold=0.5)

    def forward(self, x: Any) -> Any:
        q, k, v = (m(x).view(x.shape[0], x.shape[1], self.heads, -1, x.shape[3] * x.size(4)) for m in (self.q, self.k, self.v))
        y = self.how(self, q, k, v)
        return self.out(y.reshape(x.shape[0], x.shape[1], x.shape[2], x.shape[3], x.shape[4]))


class Maps(torch.nn.Module):
    """A stem, attention on maps, all of it into a head."""

    def __init__(self, attention: Model) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(2, CHANNELS, 3, padding=1), nn.LIF(0.5, threshold=0.5))
        self.attn, self.pool = attention, nn.AdaptiveAvgPool2d(2)
        self.head = nn.Linear(4 * CHANNELS, 4)

    def forward(self, x: Any) -> Any:
        y = self.stem(x)
        return self.head(self.pool(y + self.attn(y)).flatten(2))


class Tokens1d(torch.nn.Module):
    """Conv1d and BatchNorm1d on [T*N, C, L], one head without an axis, the mean over the steps before the head."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(2, CHANNELS, 3, padding=1), nn.LIF(0.5, threshold=0.5))
        for name in "qkv":
            setattr(self, f"{name}_conv", torch.nn.Conv1d(CHANNELS, CHANNELS, 1, bias=False))
            setattr(self, f"{name}_bn", torch.nn.BatchNorm1d(CHANNELS))
            setattr(self, f"{name}_lif", nn.LIF(0.5, threshold=0.5, channels=CHANNELS))
        self.lif, self.head = fire(), torch.nn.Linear(CHANNELS, 4)

    def forward(self, x: Any) -> Any:
        y = self.stem(x).flatten(3)
        steps, n, c, places = y.shape
        q, k, v = (
            getattr(self, f"{name}_lif")(
                getattr(self, f"{name}_bn")(getattr(self, f"{name}_conv")(y.flatten(0, 1))).reshape(steps, n, c, places)
            ).mT
            for name in "qkv"
        )
        attention = torch.matmul(q, k.mT) * c**-0.5
        y = self.lif(0.5 * attention @ v).swapaxes(2, 3)
        return self.head(y.mean(dim=3).mean(0))


ORDERS: dict[str, Callable[..., Any]] = {
    "tokens first": lambda m, q, k, v: ((q.mT @ k) @ v.mT * 0.25).mT,
    "channels first": lambda m, q, k, v: v @ (k.mT @ q) / 4,
    "queries last": lambda m, q, k, v: v @ (q.mT @ k).mT * 0.25,
    "keys and values first": lambda m, q, k, v: (q.mT @ (k @ v.mT) * 0.25).mT,
    "values and keys first": lambda m, q, k, v: (v @ k.mT) @ q * 0.3,
    "keys and values first, added": lambda m, q, k, v: (q.mT @ (k @ v.mT) * 0.25).mT + v,
    "scores that spike": lambda m, q, k, v: (m.inner(q.mT @ k) @ v.mT).mT * 0.5,
    "scores that spike, channels first": lambda m, q, k, v: v @ m.inner(k.mT @ q) * 0.5,
    "scores of keys that spike": lambda m, q, k, v: v @ m.inner(q.mT @ k).mT * 0.5,
}

MODELS: dict[str, Callable[[], Model]] = {
    "spikformer": Spikformer,
    "tokens": Tokens1d,
    **{how: lambda how=how: Maps(MapAttention(ORDERS[how])) for how in ORDERS},  # type: ignore[misc]
}


def randomised(model: Model, seed: int, steps: int = 3) -> Model:
    """Weights large enough for spikes, BatchNorm statistics of real activations."""
    torch.manual_seed(seed)
    with torch.no_grad():
        for module in model.modules():
            if isinstance(module, torch.nn.Conv2d | torch.nn.Linear | torch.nn.Conv1d):
                module.weight.normal_(0.5, 2.0).div_(module.weight[0].numel() ** 0.5)
    model = model.double()
    for _ in range(2):
        model.train()(torch.rand(steps, 4, 2, SIZE, SIZE, dtype=torch.float64))
    return model.eval()
