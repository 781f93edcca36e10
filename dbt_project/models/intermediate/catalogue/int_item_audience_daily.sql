with first_events as (

    select
        user_id,
        item_id,
        min(event_date) as event_date
    from {{ ref('int_interactions_weighted') }}
    where event_weight > 0
    group by user_id, item_id

),

first_dates as (

    select
        user_id,
        min(event_date) as event_date
    from first_events
    group by user_id

),

first_users_daily as (

    select
        event_date as activity_date,
        count(*) as users
    from first_dates
    group by event_date

),

-- Dates with activity but no new user stand in with 0, so that each has its running total.
new_users as (

    select
        item_id,
        event_date as activity_date,
        1 as new_users
    from first_events
    union all
    select distinct
        item_id,
        activity_date,
        0 as new_users
    from {{ ref('int_catalogue_activity_daily') }}

),

new_users_daily as (

    select
        item_id,
        activity_date,
        sum(new_users) as new_users
    from new_users
    group by item_id, activity_date

),

item_users as (

    select
        item_id,
        activity_date,
        sum(new_users) over (partition by item_id order by activity_date) as users
    from new_users_daily

),

all_users as (

    select
        dates.activity_date,
        sum(coalesce(first_users_daily.users, 0)) over (order by dates.activity_date) as all_users
    from (select distinct activity_date from item_users) as dates
    left join first_users_daily on dates.activity_date = first_users_daily.activity_date

),

audience as (

    select
        item_users.activity_date,
        item_users.item_id,
        cast(item_users.users as bigint) as users,
        cast(all_users.all_users as bigint) as all_users
    from item_users
    inner join all_users on item_users.activity_date = all_users.activity_date
    where all_users.all_users > 0

)

select * from audience
