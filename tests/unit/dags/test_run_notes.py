from dags.support.run_notes import merged_note


def test_the_outcome_is_the_note() -> None:
    assert merged_note(None, "2026-03-31.1 is current:  5 recommendations\n") == (
        "2026-03-31.1 is current: 5 recommendations"
    )


def test_text_of_people_stays_below_and_an_earlier_outcome_is_replaced() -> None:
    before = "begin: [nightjar] error (2, no_events): raw.interactions\nAnn asked for it"
    assert merged_note(before, "2026-03-31.1 is history") == "2026-03-31.1 is history\nAnn asked for it"
    assert merged_note("2026-03-31.1 is history\nAnn asked for it", "2026-03-31.2 is current") == (
        "2026-03-31.2 is current\nAnn asked for it"
    )


def test_a_note_fits_airflows_column() -> None:
    assert len(merged_note("x" * 900, "y" * 900)) == 1000
