-- Before the interval's end, each date of the fact holds as many exposures as arrived for it.
{{ facts_that_miss_events(ref('stg_exposures'), ref('fct_exposures')) }}
