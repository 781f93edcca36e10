with recorded as (

    select
        user_id,
        created_at,
        false as is_inferred,
        recorded_at as valid_from
    from {{ ref('stg_users') }}

),

first_recorded as (

    select
        user_id,
        min(valid_from) as valid_from
    from recorded
    group by user_id

),

first_events as (

    select
        user_id,
        min(occurred_at) as occurred_at
    from {{ ref('fct_interactions') }}
    group by user_id

),

inferred as (

    select
        first_events.user_id,
        first_events.occurred_at as created_at,
        true as is_inferred,
        first_events.occurred_at as valid_from
    from first_events
    left join first_recorded on first_events.user_id = first_recorded.user_id
    where first_recorded.valid_from is null or first_events.occurred_at < first_recorded.valid_from

),

versions as (

    select * from recorded
    union all
    select * from inferred

)

select * from versions
