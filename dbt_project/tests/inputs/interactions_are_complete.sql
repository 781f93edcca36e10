-- Before the interval's end, each date of the fact holds as many events as arrived for it.
{{ facts_that_miss_events(ref('stg_interactions'), ref('fct_interactions')) }}
