"""The transformer of sequences: what it reads, what its loss is, and that the same data give the same bits."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import sparse

torch = pytest.importorskip("torch", reason="the extra neural is not installed")

from ml.data.training_data import TrainingPart  # noqa: E402
from ml.models import sequence_network  # noqa: E402
from ml.models.base import LongFit, NamedArrays  # noqa: E402
from ml.models.sequence import Sequence  # noqa: E402
from ml.models.sequence_data import SequenceData  # noqa: E402
from ml.models.sequence_network import ItemFeatures, SequenceNetwork, Training, loss_of, repeatable  # noqa: E402
from ml.models.sequence_windows import Shape  # noqa: E402
from nightjar.contract.artifacts.sources import VectorSource  # noqa: E402
from nightjar.contract.errors import NightjarError  # noqa: E402
from nightjar.contract.settings import Settings  # noqa: E402
from tests.support.refusals import refused  # noqa: E402
from tests.support.small_rankers import matrix  # noqa: E402
from tests.support.small_training_data import training_data  # noqa: E402

CPU = torch.device("cpu")
TINY = Settings(sequence="on", sequence_dim=8, sequence_length=6, sequence_epochs=4)


@pytest.fixture(autouse=True)
def _on_the_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)


def part_of(newest_ranks: np.ndarray, **given: Any) -> TrainingPart:
    ranks = matrix(newest_ranks.tolist())
    return training_data(ranks.sign(), train_ranks=ranks, **given).train_part


def walks(users: int = 12, items: int = 8) -> np.ndarray:
    """User u takes 6 items from item u on, each followed by the next one; the newest has rank 1."""
    ranks = np.zeros((users, items))
    for user in range(users):
        for place in range(6):
            ranks[user, (user + place) % items] = 6 - place
    return ranks


def network() -> SequenceNetwork:
    torch.manual_seed(3)
    return SequenceNetwork(5, sparse.csr_matrix((5, 0), dtype=np.float32), 4, 6).eval()


def read(rows: list[list[int]], lengths: list[int]) -> Any:
    made = network()
    return made(torch.tensor(rows), torch.tensor(lengths), made.identities.weight).detach()


def test_later_items_change_nothing_that_was_read_before() -> None:
    one, other = read([[0, 1, 2, 3]], [4]), read([[0, 1, 4, 0]], [4])
    assert torch.equal(one[:, :2], other[:, :2])
    assert not torch.allclose(one[:, 2:], other[:, 2:])
    # Earlier ones do.
    assert not torch.allclose(read([[1, 0, 2, 3]], [4])[:, 3], one[:, 3])


def test_what_fills_a_row_up_changes_nothing() -> None:
    short = read([[2, 1, 3]], [3])
    for filling in ([0, 0, 0], [4, 2, 4]):
        filled = read([[2, 1, 3, *filling], [0, 1, 2, 3, 4, 0]], [3, 6])
        assert torch.allclose(filled[0, :3], short[0], atol=1e-6)


def test_the_loss_is_the_cross_entropy_over_all_items() -> None:
    items = torch.tensor([[1.0, 0.0], [0.0, 1.0], [0.0, 0.0]])
    outputs = torch.tensor([[2.0, 1.0], [0.0, 3.0]])
    first = math.log(math.e**2 + math.e + 1) - 2
    second = math.log(1 + math.e**3 + 1) - 0
    assert loss_of(outputs, items, torch.tensor([0, 2])).item() == pytest.approx((first + second) / 2, rel=1e-6)


def test_a_sample_of_negatives_stands_for_all_items_but_the_target(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sequence_network, "FULL_SOFTMAX_ITEMS", 2)
    assert sequence_network.NEGATIVES >= 256
    items, outputs = torch.tensor([[1.0], [3.0], [0.0]]), torch.tensor([[1.0]])
    drawn = [0] * 512 + [1] * 256 + [2] * 256
    monkeypatch.setattr(torch, "randint", lambda *_, **__: torch.tensor(drawn))
    # Each negative counts 2/1024 of an item; those that equal the target, item 0, do not count.
    others = (256 * math.e**3 + 256) * 2 / 1024
    assert loss_of(outputs, items, torch.tensor([0])).item() == pytest.approx(math.log(math.e + others) - 1, rel=1e-6)


def fitted(part: TrainingPart, settings: Settings = TINY, log: LongFit | None = None) -> VectorSource:
    source = Sequence().fit_long(part, settings, log or LongFit())
    assert source is not None
    return source


def same_bits(one: VectorSource, other: VectorSource) -> bool:
    return np.array_equal(one.user_vectors, other.user_vectors) and np.array_equal(one.item_vectors, other.item_vectors)


def test_what_follows_what_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sequence_network, "PATIENCE", 150)
    source = fitted(part_of(walks()), TINY.model_copy(update={"sequence_epochs": 150}))
    # User 0 took items 0 to 5.
    scores = source.user_vectors[0] @ source.item_vectors.T
    assert scores[6:].argmax() == 0
    assert scores[6] > scores[:5].max()


def test_the_same_data_give_the_same_bits_and_another_seed_gives_others() -> None:
    part = part_of(walks())
    assert same_bits(fitted(part), fitted(part))
    assert not same_bits(fitted(part), fitted(part, TINY.model_copy(update={"seed": 5})))
    # What others drew before is no part of it, and what they draw afterwards is theirs.
    torch.manual_seed(1)
    before = torch.rand(1)
    torch.manual_seed(1)
    fitted(part)
    assert torch.equal(torch.rand(1), before)
    assert not torch.are_deterministic_algorithms_enabled()


@pytest.mark.parametrize("killed_after", [1, 3])
def test_a_fit_that_is_killed_continues_to_the_bits_of_an_undisturbed_one(tmp_path: Path, killed_after: int) -> None:
    part, lines = part_of(walks()), []

    def kill(line: str) -> None:
        if f"epoch {killed_after + 1}/" in line:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fitted(part, log=LongFit(kill, tmp_path))
    assert [path.suffix for path in tmp_path.iterdir()] == [".npz"]
    continued = fitted(part, log=LongFit(lines.append, tmp_path))
    assert lines[0] == f"sequence: continues after epoch {killed_after}"
    assert len(lines) == 1 + TINY.sequence_epochs - killed_after
    assert same_bits(continued, fitted(part))
    # Other settings are another fit.
    other: list[str] = []
    fitted(part, TINY.model_copy(update={"seed": 5}), LongFit(other.append, tmp_path))
    assert len(other) == TINY.sequence_epochs


def test_a_line_an_epoch_names_loss_and_seconds_left() -> None:
    lines: list[str] = []
    fitted(part_of(walks()), log=LongFit(lines.append))
    assert [line.split(":")[1] for line in lines] == [f" epoch {number}/4" for number in range(1, 5)]
    assert all("loss" in line and "s left" in line for line in lines)


def test_the_best_epoch_by_the_newest_items_counts_and_ends_the_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sequence_network, "PATIENCE", 2)
    values = iter([0.1, 0.3, 0.2, 0.3, 0.9])
    monkeypatch.setattr(Training, "_value", lambda self: next(values))
    settings, lines = TINY.model_copy(update={"sequence_epochs": 9}), []
    stopped = fitted(part_of(walks()), settings, LongFit(lines.append))
    # An equal value is no better one.
    assert len(lines) == 4
    values = iter([0.1, 0.3])
    assert same_bits(stopped, fitted(part_of(walks()), settings.model_copy(update={"sequence_epochs": 2})))


def test_the_newest_items_are_not_learned_from() -> None:
    data = SequenceData.of(part_of(walks()), 1)
    with repeatable(CPU):
        training = Training(data, Shape(8, 6, 1, 0.0, 1), CPU, None)
    targets = np.concatenate([np.arange(a + 1, b) for a, b in zip(training.begins, training.ends, strict=True)])
    assert not np.isin(data.ordered.starts[1:] - 1, targets).any()
    assert len(targets) == 12 * 4


def test_no_epoch_begins_after_the_last_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter(range(0, 10_000, 40))
    monkeypatch.setattr(sequence_network.time, "monotonic", lambda: float(next(clock)))
    lines: list[str] = []
    fitted(part_of(walks()), TINY.model_copy(update={"sequence_minutes": 1.0}), LongFit(lines.append))
    # Each epoch takes 40 s.
    assert len(lines) == 2


def test_users_without_items_have_no_vector_and_cold_items_that_of_their_features() -> None:
    ranks = walks(12, 9)
    ranks[11] = 0
    # Items 8 and 9 are cold: 8 carries feature a as items 0 to 3 do, 9 nothing but its identity.
    ranks = np.hstack([np.where(np.arange(9) == 8, 0, ranks), np.zeros((12, 1))])
    names = np.array([*(f"id:i{n}" for n in range(10)), "tag:a", "tag:b"], object)
    tags = np.zeros((10, 2), np.float32)
    tags[[0, 1, 2, 3, 8], 0], tags[4:8, 1] = 1, 2
    features = sparse.csr_matrix(np.hstack([np.eye(10, dtype=np.float32), tags]))
    source = fitted(part_of(ranks, item_features=features, item_feature_names=names))
    assert not source.user_vectors[11].any()
    assert source.user_vectors[:11].any(axis=1).all()
    assert source.item_vectors[8].any()
    assert not source.item_vectors[9].any()
    assert not source.item_biases.any()


def test_a_fit_that_diverges_names_the_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sequence_network, "LEARNING_RATE", math.inf)
    data = SequenceData.of(part_of(walks()), 1)
    with refused(NightjarError, "training_diverged", wording=False, setting="NIGHTJAR_SEQUENCE", epoch=2):
        sequence_network.fit_network(data, Shape(8, 6, 4, 0.0, 1), None, LongFit())


def test_feature_embeddings_are_averaged_by_weight() -> None:
    features = sparse.csr_matrix(np.array([[0.25, 0.75], [0, 0]], np.float32))
    made = SequenceNetwork(2, features, 2, 3)
    with torch.no_grad():
        made.features.weight.copy_(torch.tensor([[4.0, 0.0], [0.0, 4.0]]))
        made.identities.weight.copy_(torch.tensor([[1.0, 1.0], [5.0, 6.0]]))
        assert made.items(ItemFeatures.of(features, CPU)).tolist() == [[2.0, 4.0], [5.0, 6.0]]


def left_by_a_fit(part: TrainingPart, settings: Settings = TINY, start: NamedArrays | None = None) -> NamedArrays:
    left: dict[str, NamedArrays] = {}
    starts = {} if start is None else {"sequence": start}
    fitted(part, settings, LongFit(starts=starts, leave=left.__setitem__))
    return left["sequence"]


def test_a_warm_started_fit_begins_with_the_weights_of_the_earlier_one(monkeypatch: pytest.MonkeyPatch) -> None:
    # So slow a step shows where each weight began.
    monkeypatch.setattr(sequence_network, "LEARNING_RATE", 1e-12)
    earlier, later = part_of(walks()), part_of(np.hstack([walks(), np.full((12, 1), 7)]))
    start = dict(left_by_a_fit(earlier))
    start["identities.weight"] = np.full_like(start["identities.weight"], 3)
    start["last.bias"] = np.full_like(start["last.bias"], 4)
    left, scratch = left_by_a_fit(later, start=start), left_by_a_fit(later)
    # Item i8 is new.
    assert left["item_ids"].tolist() == [*(f"i{item}".encode() for item in range(9))]
    assert left["identities.weight"][:8] == pytest.approx(3)
    assert left["identities.weight"][8] == pytest.approx(scratch["identities.weight"][8])
    assert left["last.bias"] == pytest.approx(4)


def test_a_warm_started_fit_repeats_and_ends_sooner(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    part, lines = part_of(walks()), []
    start = left_by_a_fit(part)
    log = LongFit(lines.append, starts={"sequence": start})
    once = fitted(part, log=log)
    assert same_bits(once, fitted(part, log=log))
    assert not same_bits(once, fitted(part))
    # A network of another length is trained from scratch.
    longer = TINY.model_copy(update={"sequence_length": 7})
    assert same_bits(fitted(part, longer, log), fitted(part, longer))
    monkeypatch.setattr(Training, "_value", lambda self: 0.1)
    lines.clear()
    nine = TINY.model_copy(update={"sequence_epochs": 9})
    fitted(part, nine, log)
    assert len(lines) == 1 + sequence_network.WARM_PATIENCE
    lines.clear()
    fitted(part, nine, LongFit(lines.append))
    assert len(lines) == 1 + sequence_network.PATIENCE


def test_a_killed_fit_does_not_continue_with_another_start(tmp_path: Path) -> None:
    part, lines = part_of(walks()), []
    start = left_by_a_fit(part)
    fitted(part, log=LongFit(checkpoints=tmp_path))
    fitted(part, log=LongFit(lines.append, tmp_path, {"sequence": start}))
    assert not any("continues" in line for line in lines)
    fitted(part, log=LongFit(lines.append, tmp_path, {"sequence": start}))
    assert "continues" in lines[-1]


def test_who_did_not_judge_the_earlier_fit_does_not_judge_the_later_one() -> None:
    # Those who judged it are a fifth; as few users as here would all judge a fit from scratch.
    part = part_of(walks())
    start = {**left_by_a_fit(part), "judged_fraction": np.array(0.2)}
    data = SequenceData.of(part, 1)
    with repeatable(CPU):
        of_start, of_scratch = (Training(data, Shape(8, 6, 4, 0.0, 1), CPU, each) for each in (start, None))
    assert of_start.judges.tolist() == np.flatnonzero(data.draws < 0.2).tolist()
    assert len(of_scratch.judges) == 12
