with shown as (

    select
        data_date as activity_date,
        'recommended' as kind,
        item_id,
        count(*) as activity_count
    from {{ ref('recommendations_history') }}
    group by data_date, item_id

),

consumed as (

    select
        event_date as activity_date,
        'consumed' as kind,
        item_id,
        count(distinct user_id) as activity_count
    from {{ ref('int_interactions_weighted') }}
    where event_weight > 0
    group by event_date, item_id

),

activity as (

    select * from shown
    union all
    select * from consumed

),

described as (

    select
        activity.activity_date,
        activity.kind,
        items.domain,
        activity.item_id,
        activity.activity_count
    from activity
    inner join {{ ref('dim_items') }} as items
        on
            activity.item_id = items.item_id
            and {{ is_version_as_of('items', end_of_utc_date('activity.activity_date')) }}
            and {{ is_available_as_of('items', end_of_utc_date('activity.activity_date')) }}

)

select * from described
