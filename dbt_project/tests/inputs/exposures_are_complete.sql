-- Before the interval's end, each date of the fact holds the exposures that had arrived for it when it was built.
{{ facts_that_miss_events(
    ref('int_exposures_arrived_daily'),
    ref('stg_exposures'),
    ref('fct_exposures'),
    source('raw', 'exposures'),
    'exposure_id'
) }}
