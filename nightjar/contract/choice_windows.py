"""The windows on which a run chooses its weights: docs/decisions/holdout.md.

build_features writes the datasets of each with a prefix before their names; the model's stages read what it wrote.
"""

# A cut in time judges the users who come back after it. Where they are fewer, older cuts judge, too.
ENOUGH_USERS = 500
MAX_CHOICE_WINDOWS = 4


def choice_prefix(number: int) -> str:
    """Return what stands before the names of a window's datasets; 1 is the newest window.

    >>> choice_prefix(1), choice_prefix(2)
    ('choice_', 'choice_2_')
    """
    return "choice_" if number == 1 else f"choice_{number}_"
