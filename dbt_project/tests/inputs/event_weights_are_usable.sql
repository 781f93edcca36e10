-- Weights are finite and not negative, half-lives positive, event types in lower case, and ranges of one type distinct.
with weights as (

    select * from {{ ref('stg_event_weights') }}

),

faults as (

    select
        {{ described(['event_type', 'min_value']) }} as what,
        'a finite weight of at least 0' as expected,
        coalesce({{ number_as_text('weight') }}, 'null') as got
    from weights
    where weight is null or weight < 0 or not ({{ is_finite_number('weight') }})
    union all
    select
        {{ described(['event_type', 'min_value']) }} as what,
        'an event type in lower case, as the facts write it' as expected,
        coalesce(event_type, 'null') as got
    from weights
    where event_type is null or event_type <> {{ lower_case(trimmed('event_type')) }}
    union all
    select
        {{ described(['event_type', 'min_value']) }} as what,
        'a finite half-life above 0 days, or none' as expected,
        {{ number_as_text('half_life_days') }} as got
    from weights
    where half_life_days <= 0 or not ({{ is_finite_number('half_life_days') }})
    union all
    select
        {{ described(['event_type', 'min_value']) }} as what,
        'one row' as expected,
        count(*) || ' rows' as got
    from weights
    group by event_type, min_value
    having count(*) > 1

)

select * from faults
