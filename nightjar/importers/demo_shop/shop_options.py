"""The size and the dates of a demo shop."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from nightjar.contract.errors import BadInput

DAY_SECONDS = 86_400
_FEWEST = {"users": 20, "items": 40, "days": 10}
_MOST_DAYS = 3650


@dataclass(frozen=True)
class ShopOptions:
    """What a shop is generated from; equal options give equal rows.

    Attributes:
        seed: Seed of everything random.
        users: Customers, with and without events.
        items: Items in each of the three domains.
        days: Days of events.
        last_date: The last day of events (UTC).

    Raises:
        BadInput: a number is too small for a shop.
    """

    seed: int = 7
    users: int = 600
    items: int = 150
    days: int = 60
    last_date: date = date(2026, 3, 31)

    def __post_init__(self) -> None:
        for name, fewest in _FEWEST.items():
            if getattr(self, name) < fewest:
                raise BadInput(
                    f"--{name} {getattr(self, name)} is too small: the demo shop needs at least {fewest}",
                    code="option_out_of_range",
                    option=f"--{name}",
                    value=getattr(self, name),
                    expected=fewest,
                )
        if self.seed < 0:
            raise BadInput(
                f"--seed {self.seed} is negative: expected at least 0",
                code="option_out_of_range",
                option="--seed",
                value=self.seed,
                expected=0,
            )
        if not 1975 <= self.last_date.year <= 2200:
            raise BadInput(
                f"--last-date {self.last_date} lies outside the years 1975 to 2200",
                code="option_out_of_range",
                option="--last-date",
                value=self.last_date,
                expected="1975 to 2200",
            )
        if self.days > _MOST_DAYS:
            raise BadInput(
                f"--days {self.days} is too large: the demo shop takes at most {_MOST_DAYS}",
                code="option_out_of_range",
                option="--days",
                value=self.days,
                expected=_MOST_DAYS,
            )

    @property
    def closes_at(self) -> datetime:
        """The instant before which everything happens: midnight after the last date."""
        return datetime.combine(self.last_date + timedelta(days=1), time.min, UTC)

    @property
    def end(self) -> int:
        """`closes_at` in unix seconds."""
        return int(self.closes_at.timestamp())

    @property
    def start(self) -> int:
        """First instant of events, unix seconds."""
        return self.end - self.days * DAY_SECONDS

    @property
    def label(self) -> str:
        """Prefix of event ids, so that the events of two different shops never share an id."""
        return f"shop-{self.seed}-{self.users}-{self.items}-{self.days}-{self.last_date:%Y%m%d}"
