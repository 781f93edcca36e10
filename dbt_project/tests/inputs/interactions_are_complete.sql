-- Before the interval's end, each date of the fact holds the events that had arrived for it when it was built.
{{ facts_that_miss_events(
    ref('int_interactions_arrived_daily'),
    ref('stg_interactions'),
    ref('fct_interactions'),
    source('raw', 'interactions'),
    'event_id'
) }}
