"""The kinds of holdout, NIGHTJAR_HOLDOUT: docs/decisions/holdout.md says what each is for."""

from typing import Literal, get_args

# newest: a fraction of each user's items, the newest; last: each user's newest item; time: one cut for all users.
HoldoutKind = Literal["newest", "last", "time"]
HOLDOUT_KINDS: tuple[HoldoutKind, ...] = get_args(HoldoutKind)
