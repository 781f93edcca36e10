with activity as (

    select
        activity.*,
        row_number() over (
            partition by activity.activity_date, activity.kind, activity.domain
            order by activity.activity_count
        ) as place,
        ln(audience.all_users / cast(greatest(audience.users, 1) as double precision)) / ln(2) as novelty
    from {{ ref('int_catalogue_activity_daily') }} as activity
    left join {{ ref('int_item_audience_daily') }} as audience
        on activity.activity_date = audience.activity_date and activity.item_id = audience.item_id

),

kind_dates as (

    select distinct
        activity_date,
        kind
    from activity

),

totals as (

    select
        activity_date,
        kind,
        domain,
        count(*) as items_reached,
        sum(activity_count) as activity_count,
        sum(place * activity_count) as place_sum,
        sum(activity_count * novelty) as novelty_sum
    from activity
    group by activity_date, kind, domain

),

catalogues as (

    select
        sizes.activity_date,
        kind_dates.kind,
        sizes.domain,
        sizes.items_available,
        coalesce(totals.items_reached, 0) as items_reached,
        totals.activity_count,
        totals.novelty_sum,
        -- Items without activity take the first places in the ascending order that Gini is summed over.
        totals.place_sum + (sizes.items_available - totals.items_reached) * totals.activity_count as place_sum
    from {{ ref('int_catalogue_size_daily') }} as sizes
    inner join kind_dates on sizes.activity_date = kind_dates.activity_date
    left join totals
        on
            sizes.activity_date = totals.activity_date
            and kind_dates.kind = totals.kind
            and sizes.domain = totals.domain

),

health as (

    select
        catalogues.activity_date,
        catalogues.kind,
        catalogues.domain,
        catalogues.items_available,
        catalogues.items_reached,
        {{ fraction('catalogues.items_reached', 'catalogues.items_available') }} as coverage,
        {{ fraction(
            '(2 * catalogues.place_sum - (catalogues.items_available + 1) * catalogues.activity_count)',
            '(catalogues.items_available * catalogues.activity_count)'
        ) }} as gini,
        {{ fraction('catalogues.novelty_sum', 'catalogues.activity_count') }} as mean_novelty,
        churn.churn
    from catalogues
    left join {{ ref('int_list_churn_daily') }} as churn
        on
            catalogues.kind = 'recommended'
            and catalogues.activity_date = churn.activity_date
            and catalogues.domain = churn.domain

)

select * from health
