"""After how many days a domain's seen items may be recommended to the user again: NIGHTJAR_REPEAT_AFTER_DAYS.

Pure; read by the settings, the Spark jobs, the evaluation, the audit and the serving of one user, so that one rule
holds in all of them. docs/decisions/repeats.md says what it means.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

EVERY_DOMAIN = "*"
_DAYS = re.compile(r"[0-9]{1,5}")
EXPECTED = "expected days ('7'), or domain=days, comma-separated, with * for the other domains ('groceries=7,music=0')"


@dataclass(frozen=True)
class Repeats:
    """The days by domain; `*` stands for every domain that is not named, and one without days never repeats an item."""

    days: Mapping[str, int] = field(default_factory=dict)

    @classmethod
    def of(cls, text: str) -> "Repeats":
        """Read the text of the setting.

        >>> dict(Repeats.of("groceries=7, *=30").days)
        {'groceries': 7, '*': 30}
        >>> Repeats.of("").allows_none
        True

        Raises:
            ValueError: it is none; the message names the part that is wrong and what was expected.
        """
        if not text.strip():
            return cls()
        days: dict[str, int] = {}
        for part in text.split(","):
            # From the right: the name of a domain may hold an equals sign.
            domain, equals, number = (each.strip() for each in part.rpartition("="))
            name = domain if equals else EVERY_DOMAIN
            if not name or not _DAYS.fullmatch(number):
                raise ValueError(f"{part.strip()!r} gives no domain whole days from 0 to 99999: {EXPECTED}")
            if name in days:
                raise ValueError(f"{part.strip()!r} gives days to a domain that has some: {EXPECTED}")
            days[name] = int(number)
        return cls(days)

    @property
    def allows_none(self) -> bool:
        """Whether no item is ever recommended again."""
        return not self.days

    def after_days(self, domain: str) -> int | None:
        """Days after a user's last event with an item of the domain at which it may come back; None: never."""
        return self.days.get(domain, self.days.get(EVERY_DOMAIN))

    def unknown_domains(self, domains: Iterable[str]) -> list[str]:
        """Return the named domains that are none of these."""
        return sorted(set(self.days) - {EVERY_DOMAIN, *domains})


NEVER = Repeats()
