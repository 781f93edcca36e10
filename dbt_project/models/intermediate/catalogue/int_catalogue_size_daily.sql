with activity_dates as (

    select distinct activity_date
    from {{ ref('int_catalogue_activity_daily') }}

),

periods as (

    select
        domain,
        greatest(valid_from, coalesce(available_from, valid_from)) as starts_at,
        least(coalesce(valid_to, available_until), coalesce(available_until, valid_to)) as ends_at
    from {{ ref('dim_items') }}

),

-- One row up where an item becomes available and one down where it stops: their sum up to a date is the catalogue.
changes as (

    select
        domain,
        {{ utc_date('starts_at') }} as change_date,
        1 as change
    from periods
    where ends_at is null or starts_at < ends_at
    union all
    select
        domain,
        {{ utc_date('ends_at') }} as change_date,
        -1 as change
    from periods
    where starts_at < ends_at

),

daily_changes as (

    select
        domain,
        change_date,
        sum(change) as change
    from changes
    group by domain, change_date

),

sizes as (

    select
        activity_dates.activity_date,
        daily_changes.domain,
        cast(sum(daily_changes.change) as bigint) as items_available
    from activity_dates
    inner join daily_changes on activity_dates.activity_date >= daily_changes.change_date
    group by activity_dates.activity_date, daily_changes.domain

)

select * from sizes
where items_available > 0
