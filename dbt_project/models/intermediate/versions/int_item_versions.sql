with recorded as (

    select
        item_id,
        domain,
        title,
        available_from,
        available_until,
        false as is_inferred,
        recorded_at as valid_from
    from {{ ref('stg_items') }}

),

first_recorded as (

    select
        item_id,
        min(valid_from) as valid_from
    from recorded
    group by item_id

),

first_events as (

    select
        item_id,
        min(occurred_at) as occurred_at
    from {{ ref('fct_interactions') }}
    group by item_id

),

inferred as (

    select
        first_events.item_id,
        'default' as domain,
        first_events.item_id as title,
        cast(null as timestamptz) as available_from,
        cast(null as timestamptz) as available_until,
        true as is_inferred,
        first_events.occurred_at as valid_from
    from first_events
    left join first_recorded on first_events.item_id = first_recorded.item_id
    where first_recorded.valid_from is null or first_events.occurred_at < first_recorded.valid_from

),

versions as (

    select * from recorded
    union all
    select * from inferred

)

select * from versions
