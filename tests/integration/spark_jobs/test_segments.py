from spark_jobs.transforms.segments import segment_carriers, user_segments

FOLDED = "user_index int, feature string, weight double"


def test_a_users_segment_is_their_smallest_qualifying_feature_ties_by_name(spark, rows) -> None:
    folded = spark.createDataFrame(
        [
            *((user, "city:f", 1.0) for user in range(4)),
            *((user, "job:b", 1.0) for user in (0, 1)),
            *((user, "job:a", 1.0) for user in (1, 2)),
            (3, "job:(rare)", 1.0),
        ],
        FOLDED,
    )
    carriers = segment_carriers(folded, 2)
    assert rows(user_segments(carriers)) == [(0, "job:b"), (1, "job:a"), (2, "job:a"), (3, "city:f")]


def test_no_segment_has_the_name_of_the_segment_of_all_users(spark, rows) -> None:
    folded = spark.createDataFrame([(0, "all", 1.0), (1, "all", 1.0)], FOLDED)
    assert rows(user_segments(segment_carriers(folded, 1))) == []
