import pytest

from spark_jobs.transforms.entity_features import feature_names, feature_values, fold_rare, matrix


@pytest.fixture
def items(spark):
    return spark.createDataFrame(
        [(0, "a", 3), (1, "b", 1), (2, "c", 0)], "item_index int, item_id string, users bigint"
    )


@pytest.fixture
def given(spark):
    return lambda rows: spark.createDataFrame(rows, "item_id string, feature string, weight double")


def test_features_of_few_carriers_are_folded_into_rare_of_their_kind(rows, items, given) -> None:
    features = given(
        [
            ("a", "genre:x", 2.0),
            ("b", "genre:x", 1.0),
            ("a", "genre:y", 1.0),
            ("a", "genre:z", 3.0),
            ("c", "genre:w", 0.5),
            ("b", "solo", 1.0),
            ("a", "tag:a:b", 1.0),
        ]
    )
    assert rows(fold_rare(features, items, "item", 2)) == [
        (0, "genre:(rare)", 3.0),
        (0, "genre:x", 2.0),
        (0, "tag:(rare)", 1.0),
        (1, "genre:x", 1.0),
        (1, "solo:(rare)", 1.0),
        (2, "genre:(rare)", 0.5),
    ]


def test_a_source_feature_cannot_coincide_with_an_identity(rows, items, given) -> None:
    assert rows(fold_rare(given([("a", "id:b", 1.0)]), items, "item", 1)) == [(0, "given-id:b", 1.0)]


def test_weights_over_the_cap_are_scaled_down_to_it(rows, items, spark) -> None:
    folded = spark.createDataFrame(
        [(0, "k:p", 6.0), (0, "k:q", 9.0), (2, "k:p", 10.0)], "item_index int, feature string, weight double"
    )
    values = {(index, feature): value for index, feature, value in rows(matrix(folded, items, "item", 10.0))}
    assert values == {
        (0, "k:p"): pytest.approx(4.0),
        (0, "k:q"): pytest.approx(6.0),
        (2, "k:p"): 10.0,
        (0, "id:a"): 1.0,
        (1, "id:b"): 1.0,
    }


def test_one_giant_value_neither_overflows_nor_exceeds_the_cap(rows, items, spark) -> None:
    folded = spark.createDataFrame(
        [(0, "k:p", 1e300), (0, "k:q", 1.0)], "item_index int, feature string, weight double"
    )
    values = [value for index, feature, value in rows(matrix(folded, items, "item", 10.0)) if feature.startswith("k")]
    assert values == [pytest.approx(10.0), pytest.approx(0.0)]


def test_only_entities_with_a_positive_event_have_an_identity(rows, items, given) -> None:
    nothing = fold_rare(given([]), items, "item", 1)
    assert rows(matrix(nothing, items, "item", 10.0)) == [(0, "id:a", 1.0), (1, "id:b", 1.0)]


def test_names_are_numbered_in_order_and_values_refer_to_them(rows, spark) -> None:
    named = spark.createDataFrame(
        [(0, "k:q", 1.0), (1, "k:q", 2.0), (0, "id:a", 1.0)], "user_index int, feature string, value double"
    )
    names = feature_names(named)
    assert rows(names) == [(0, "id:a", 1), (1, "k:q", 2)]
    assert rows(feature_values(named, names, "user")) == [(0, 0, 1.0), (0, 1, 1.0), (1, 1, 2.0)]
