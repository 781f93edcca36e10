"""A transformer that predicts each next item of a sequence, and its training (SASRec: Kang and McAuley 2018).

The only module that imports torch; `ml.models.sequence` imports it where a sequence model is fitted.
"""

import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import sparse
from torch import Tensor, nn
from torch.nn import functional as F

from ml.models.base import LongFit, NamedArrays
from ml.models.sequence_data import SequenceData
from ml.models.sequence_start import judged_fraction_of, left_by, taken_from
from ml.models.sequence_windows import Shape, batches, ndcg_of_held_back
from nightjar.contract.atomic_files import file_written_aside
from nightjar.contract.errors import NightjarError

BLOCKS, HEADS, DROPOUT = 2, 2, 0.4
LEARNING_RATE = 0.001
# Epochs without a better one that end a fit from scratch, and one that is warm-started.
PATIENCE, WARM_PATIENCE = 6, 3
# Beyond so many items the softmax is over the target and a sample, the same for a whole batch.
FULL_SOFTMAX_ITEMS, NEGATIVES = 5_000, 1_024
# Windows of a step, of the mean length: few data need many steps more than a smooth gradient.
_FEWEST, _MOST, _STEPS = 16, 128, 100
# Scores that are held at once, and users whose sequences are read at once.
_CELLS, _READ_AT_ONCE = 40_000_000, 500
# Places of the lists that judge an epoch.
_K = 10
# Of a training, beside its tensors.
_NUMBERS = ("epoch", "best_epoch", "best_value", "seconds")


class Block(nn.Module):
    """Attention to the earlier places, then two layers for each place; both added to what comes in."""

    def __init__(self, dimension: int) -> None:
        super().__init__()
        self.before_attention, self.before_layers = nn.LayerNorm(dimension), nn.LayerNorm(dimension)
        self.projections, self.joined = nn.Linear(dimension, 3 * dimension), nn.Linear(dimension, dimension)
        self.wide, self.narrow = nn.Linear(dimension, 4 * dimension), nn.Linear(4 * dimension, dimension)
        self.dropout = nn.Dropout(DROPOUT)

    def forward(self, places: Tensor) -> Tensor:
        """(rows, places, dim) -> the same."""
        rows, count, dimension = places.shape
        parts = self.projections(self.before_attention(places)).view(rows, count, 3, HEADS, dimension // HEADS)
        query, key, value = parts.permute(2, 0, 3, 1, 4)
        dropout = DROPOUT if self.training else 0.0
        attended = F.scaled_dot_product_attention(query, key, value, dropout_p=dropout, is_causal=True)
        places = places + self.dropout(self.joined(attended.transpose(1, 2).reshape(rows, count, dimension)))
        layers = self.narrow(self.dropout(F.gelu(self.wide(self.before_layers(places)))))
        return places + self.dropout(layers)


class SequenceNetwork(nn.Module):
    """Item embeddings, by which both what came before is read and what comes next is scored."""

    def __init__(self, items: int, features: sparse.csr_matrix, dimension: int, length: int) -> None:
        super().__init__()
        self.length = length
        self.identities, self.features = nn.Embedding(items, dimension), nn.Embedding(features.shape[1], dimension)
        self.places = nn.Embedding(length, dimension)
        self.blocks = nn.ModuleList(Block(dimension) for _ in range(BLOCKS))
        self.dropout, self.last = nn.Dropout(DROPOUT), nn.LayerNorm(dimension)
        for table in (self.identities, self.features, self.places):
            nn.init.normal_(table.weight, std=0.02)

    def items(self, features: "ItemFeatures") -> Tensor:
        """(items, dim): identities, and the mean of each item's features added."""
        return self.identities.weight + self.of_features(features)

    def of_features(self, features: "ItemFeatures") -> Tensor:
        """(items, dim): the mean of each item's features."""
        return F.embedding_bag(
            features.indices,
            self.features.weight,
            features.starts,
            mode="sum",
            per_sample_weights=features.weights,
            include_last_offset=True,
        )

    def forward(self, rows: Tensor, lengths: Tensor, items: Tensor) -> Tensor:
        """Read sequences: (rows, places) items filled up at the end -> (rows, places, dim), what may come next.

        A place is counted from the end of its row, so that what is filled up changes nothing before it.
        """
        from_end = self.length - lengths[:, None] + torch.arange(rows.shape[1], device=rows.device)
        places = F.embedding(rows, items) * math.sqrt(items.shape[1]) + self.places(from_end.clamp(0, self.length - 1))
        places = self.dropout(places)
        for block in self.blocks:
            places = block(places)
        return self.last(places)


@dataclass(frozen=True)
class ItemFeatures:
    """Features of items, row by row: feature, weight, and where a row begins."""

    indices: Tensor
    weights: Tensor
    starts: Tensor

    @classmethod
    def of(cls, features: sparse.csr_matrix, device: torch.device) -> "ItemFeatures":
        """Return them on a device."""
        parts = features.indices.astype(np.int64), features.data, features.indptr.astype(np.int64)
        return cls(*(torch.from_numpy(part).to(device) for part in parts))


def loss_of(outputs: Tensor, items: Tensor, targets: Tensor) -> Tensor:
    """Return the mean cross-entropy of targets: over all items, or over a uniform sample that stands for them.

    Args:
        outputs: (targets, dim).
        items: (items, dim).
        targets: (targets,) the item that came next.
    """
    if len(items) <= FULL_SOFTMAX_ITEMS:
        return F.cross_entropy(outputs @ items.T, targets)
    drawn = torch.randint(len(items), (NEGATIVES,), device=items.device)
    # Each of them stands for so many items; the target stands for itself alone.
    others = outputs @ items[drawn].T + math.log((len(items) - 1) / NEGATIVES)
    others = others.masked_fill(drawn == targets[:, None], -torch.inf)
    of_targets = (outputs * F.embedding(targets, items)).sum(dim=1, keepdim=True)
    return F.cross_entropy(torch.cat([of_targets, others], dim=1), torch.zeros_like(targets))


@contextmanager
def repeatable(device: torch.device) -> Iterator[None]:
    """On a CPU the same numbers give the same bits: one thread, and no operation that depends on the order of work."""
    threads, is_strict = torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()
    with torch.random.fork_rng(devices=[] if device.type == "cpu" else [device]):
        try:
            torch.set_num_threads(1)
            torch.use_deterministic_algorithms(device.type == "cpu")
            yield
        finally:
            torch.set_num_threads(threads)
            torch.use_deterministic_algorithms(is_strict)


@dataclass(frozen=True)
class FittedNetwork:
    """What a fit makes.

    Attributes:
        users: (users, dim) vectors; 0 where a user has no items.
        items: (items of the catalogue, dim) vectors.
        left: what a later fit may be warm-started from.
    """

    users: NDArray[np.float32]
    items: NDArray[np.float32]
    left: NamedArrays


def fit_network(data: SequenceData, shape: Shape, start: NamedArrays | None, log: LongFit) -> FittedNetwork:
    """Train a network.

    Args:
        data: what it learns from.
        shape: of the network.
        start: what an earlier fit left; None, or that of another shape: the network is trained from scratch.
        log: gets a line an epoch; its folder keeps the checkpoint of a fit that is killed.

    Raises:
        NightjarError: the training diverged.
    """
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    with repeatable(device):
        training = Training(data, shape, device, start)
        path = None
        if log.checkpoints is not None:
            path = log.checkpoints / f"sequence-{data.digest(shape, start)}-{device.type}.npz"
        if path is not None and path.exists():
            with np.load(path) as state:
                training.load_state(dict(state))
            log.say(f"sequence: continues after epoch {training.epoch}")
        while not training.is_over():
            log.say(training.run_epoch())
            if path is not None:
                with file_written_aside(path) as aside, aside.open("wb") as file:
                    np.savez(file, **training.state())
        return training.fitted()


class Training:
    """A network with its optimizer, and the best state so far by the newest items, which it does not learn from."""

    def __init__(self, data: SequenceData, shape: Shape, device: torch.device, start: NamedArrays | None) -> None:
        self.data, self.ordered, self.shape, self.device = data, data.ordered, shape, device
        self.features = ItemFeatures.of(data.features[self.ordered.warm], device)
        self.of_catalogue = ItemFeatures.of(data.features, device)
        torch.manual_seed(shape.seed)
        self.network = SequenceNetwork(len(self.ordered.warm), data.features, shape.dimension, shape.length)
        initial = {name: each.numpy() for name, each in self.network.state_dict().items()}
        taken = None if start is None else taken_from(start, data, initial)
        self.patience, self.judged_fraction = PATIENCE, data.judged_fraction()
        if start is not None and taken is not None:
            self.network.load_state_dict({name: torch.from_numpy(each) for name, each in taken.items()})
            self.patience, self.judged_fraction = WARM_PATIENCE, data.judged_fraction(judged_fraction_of(start))
        self.network.to(device)
        self.optimizer = torch.optim.Adam(self.network.parameters(), lr=LEARNING_RATE, betas=(0.9, 0.98))
        self.judges = data.judges(self.judged_fraction)
        is_judge = np.isin(np.arange(len(self.ordered.starts) - 1), self.judges)
        self.begins, self.ends = self.ordered.windows(shape.length, is_judge.astype(np.int64))
        self.epoch, self.best_epoch, self.best_value, self.seconds = 0, 0, -1.0, 0.0
        self.best: dict[str, Tensor] = {}

    def is_over(self) -> bool:
        """Whether further epochs are not allowed or not likely to help."""
        is_late = self.shape.minutes > 0 and self.seconds >= 60 * self.shape.minutes
        too_long = self.epoch - self.best_epoch >= self.patience
        return self.epoch >= self.shape.epochs or (self.epoch > 0 and (is_late or too_long))

    def run_epoch(self) -> str:
        """Train on each window once, measure on the newest items, and return both in words."""
        started = time.monotonic()
        self.epoch += 1
        # Each epoch has a seed of its own: a continued training draws what an undisturbed one draws.
        torch.manual_seed(self.shape.seed * 100_003 + self.epoch)
        loss = self._train()
        if not math.isfinite(loss):
            raise NightjarError(
                f"training of the source sequence diverged in epoch {self.epoch}: turn it off, NIGHTJAR_SEQUENCE=off",
                code="training_diverged",
                epoch=self.epoch,
                setting="NIGHTJAR_SEQUENCE",
            )
        value = self._value()
        if value > self.best_value:
            self.best_epoch, self.best_value = self.epoch, value
            self.best = {name: each.detach().clone() for name, each in self.network.state_dict().items()}
        self.seconds += time.monotonic() - started
        left = self.seconds / self.epoch * (self.shape.epochs - self.epoch)
        return (
            f"sequence: epoch {self.epoch}/{self.shape.epochs}: loss {loss:.4f}, NDCG@{_K} of the newest items "
            f"{value:.4f}, the best in epoch {self.best_epoch}, at most {left:.0f} s left"
        )

    def fitted(self) -> FittedNetwork:
        """Return the vectors and weights after the best epoch; the vector of a cold item is its features."""
        self.network.load_state_dict(self.best)
        self.network.eval()
        with torch.no_grad():
            items = self.network.items(self.features)
            users = np.zeros((len(self.ordered.starts) - 1, self.shape.dimension), np.float32)
            known = np.flatnonzero(np.diff(self.ordered.starts))
            for start in range(0, len(known), _READ_AT_ONCE):
                block = known[start : start + _READ_AT_ONCE]
                users[block] = self._last(block, items, held_back=0).cpu().numpy()
            vectors = self.network.of_features(self.of_catalogue).cpu().numpy()
            vectors[self.ordered.warm] = items.cpu().numpy()
        weights = {name: each.cpu().numpy() for name, each in self.best.items()}
        return FittedNetwork(users, vectors, left_by(weights, self.data, self.judged_fraction))

    def state(self) -> dict[str, Any]:
        """What a training continues from, as plain arrays."""
        moments = {
            f"{place}.{name}": each
            for place, of_parameter in self.optimizer.state_dict()["state"].items()
            for name, each in of_parameter.items()
        }
        tensors = {"network": self.network.state_dict(), "best": self.best, "optimizer": moments}
        state = {f"{part}/{name}": each.cpu().numpy() for part in tensors for name, each in tensors[part].items()}
        return state | {f"number/{name}": np.array(getattr(self, name)) for name in _NUMBERS}

    def load_state(self, state: dict[str, Any]) -> None:
        """Continue from a state."""
        parts: dict[str, dict[str, Any]] = {}
        for name, each in state.items():
            part, key = name.split("/")
            parts.setdefault(part, {})[key] = each.item() if part == "number" else torch.from_numpy(each)
        self.network.load_state_dict(parts["network"])
        self.best = {name: each.to(self.device) for name, each in parts["best"].items()}
        moments: dict[int, dict[str, Tensor]] = {}
        for key, each in parts["optimizer"].items():
            place, name = key.split(".")
            moments.setdefault(int(place), {})[name] = each
        self.optimizer.load_state_dict(self.optimizer.state_dict() | {"state": moments})
        for name, value in parts["number"].items():
            setattr(self, name, value)

    def _train(self) -> float:
        self.network.train()
        items = len(self.ordered.warm)
        scored = items if items <= FULL_SOFTMAX_ITEMS else NEGATIVES
        random, of_windows = np.random.default_rng([self.shape.seed, self.epoch]), self.ends - self.begins
        windows = int(np.clip(len(of_windows) // _STEPS, _FEWEST, _MOST))
        total = 0.0
        for batch in batches(of_windows, min(int(windows * of_windows.mean()), _CELLS // scored), random):
            rows, lengths = self.ordered.rows(self.begins[batch], self.ends[batch])
            inside = torch.from_numpy(np.arange(rows.shape[1] - 1) < lengths[:, None] - 1).to(self.device)
            before, after = (torch.from_numpy(each).to(self.device) for each in (rows[:, :-1], rows[:, 1:]))
            table = self.network.items(self.features)
            outputs = self.network(before, torch.from_numpy(lengths - 1).to(self.device), table)
            loss = loss_of(outputs[inside], table, after[inside])
            self.optimizer.zero_grad()
            loss.backward()
            self.optimizer.step()
            total += loss.item() * int(inside.sum())
        return total / max(1, int((of_windows - 1).sum()))

    def _value(self) -> float:
        self.network.eval()
        values = []
        with torch.no_grad():
            items = self.network.items(self.features)
            size = max(1, min(_READ_AT_ONCE, _CELLS // len(items)))
            for start in range(0, len(self.judges), size):
                users = self.judges[start : start + size]
                scores = (self._last(users, items, held_back=1) @ items.T).cpu().numpy()
                seen = np.zeros(scores.shape, np.bool_)
                for row, user in enumerate(users):
                    begin, end = self.ordered.starts[user], self.ordered.starts[user + 1]
                    seen[row, self.ordered.items[begin : end - 1]] = True
                held_back = self.ordered.items[self.ordered.starts[users + 1] - 1]
                values.append(ndcg_of_held_back(scores, seen, held_back, _K) * len(users))
        return sum(values) / max(1, len(self.judges))

    def _last(self, users: NDArray[np.int64], items: Tensor, held_back: int) -> Tensor:
        rows, lengths = self.ordered.rows(*self.ordered.newest(users, self.shape.length, held_back))
        read = self.network(*(torch.from_numpy(each).to(self.device) for each in (rows, lengths)), items)
        return read[torch.arange(len(users)), torch.from_numpy(lengths - 1)]
