{{ config(severity='warn') }}

-- An event type without a weight gets NIGHTJAR_UNKNOWN_EVENT_WEIGHT: allowed, but it should be set.
select
    'event_type=' || interactions.event_type as what,
    'a row in raw.event_weights' as expected,
    'none for ' || count(*) || ' events' as got
from {{ ref('fct_interactions') }} as interactions
left join {{ ref('stg_event_weights') }} as event_weights on interactions.event_type = event_weights.event_type
where event_weights.event_type is null
group by interactions.event_type
