"""Settings of the HNSW indices."""

from nightjar.contract.settings.field import Fraction, PositiveInt, SettingsGroup, setting


class IndexSettings(SettingsGroup):
    """HNSW indices."""

    index_m: PositiveInt = setting(16, recorded=None, description="Links per node, M.")
    index_ef_construction: PositiveInt = setting(200, recorded=None, description="Candidates kept while building.")
    index_ef: PositiveInt = setting(
        64, recorded=None, description="Candidates kept while searching (ef), before it is raised."
    )
    index_ef_max: PositiveInt = setting(
        8192, recorded=None, description="Largest ef to which it is raised for NIGHTJAR_INDEX_RECALL_TARGET."
    )
    index_recall_target: Fraction = setting(
        0.99,
        recorded=None,
        description="Recall@k against exact search, 0 to 1, for which ef is raised.",
    )
    index_recall_floor: Fraction = setting(
        0.95,
        recorded=None,
        description="Least recall@k against exact search, 0 to 1; an index below is refused.",
    )
