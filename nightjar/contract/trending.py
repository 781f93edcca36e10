"""The half-lives by which the events of each item are counted as what everyone takes now.

build_features writes the scores of each of them as `trending`; the model of that name reads them.
"""

TRENDING_HALF_LIVES_DAYS = (1.0, 4.0, 14.0, 60.0)
