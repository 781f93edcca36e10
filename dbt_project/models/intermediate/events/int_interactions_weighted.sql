with interactions as (

    select * from {{ ref('fct_interactions') }}

),

-- A row holds from its min_value up to the next one of its event type.
weight_ranges as (

    select
        event_type,
        weight,
        half_life_days,
        min_value,
        lead(min_value) over (partition by event_type order by min_value nulls first) as next_min_value
    from {{ ref('stg_event_weights') }}

),

known_types as (

    select distinct event_type from {{ ref('stg_event_weights') }}

),

weighted as (

    select
        interactions.event_id,
        interactions.user_id,
        interactions.item_id,
        interactions.event_type,
        interactions.value,
        case
            when known_types.event_type is null then cast({{ var('unknown_event_weight') }} as double precision)
            else coalesce(weight_ranges.weight, 0)
        end as event_weight,
        weight_ranges.half_life_days,
        interactions.occurred_at,
        interactions.ingested_at,
        interactions.event_date
    from interactions
    left join known_types on interactions.event_type = known_types.event_type
    left join weight_ranges
        on
            interactions.event_type = weight_ranges.event_type
            and (weight_ranges.min_value is null or interactions.value >= weight_ranges.min_value)
            and (
                weight_ranges.next_min_value is null
                or interactions.value is null
                or interactions.value < weight_ranges.next_min_value
            )

)

select * from weighted
