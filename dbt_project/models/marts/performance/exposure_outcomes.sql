with exposures as (

    select * from {{ ref('fct_exposures') }}

),

-- An event is credited to one exposure, whatever else was shown within the window.
touches as (

    select
        exposures.exposure_id,
        case
            when events.event_type in ({{ quoted(var('click_event_types')) }}) then 'click'
            else 'conversion'
        end as kind,
        events.value,
        events.occurred_at,
        row_number() over (partition by events.event_id order by {{ touch_order('exposures') }}) as place
    from {{ ref('int_outcome_events') }} as events
    inner join exposures
        on
            events.user_id = exposures.user_id
            and events.item_id = exposures.item_id
            and events.occurred_at >= exposures.shown_at
            and events.occurred_at < exposures.shown_at + interval '{{ var("attribution_window_hours") }} hours'

),

outcomes as (

    select
        exposure_id,
        min(case when kind = 'click' then occurred_at end) as first_clicked_at,
        min(case when kind = 'conversion' then occurred_at end) as first_converted_at,
        sum(case when kind = 'conversion' then value end) as value
    from touches
    where place = 1
    group by exposure_id

),

first_of_user as (

    {{ first_events_of('user_id') }}

),

first_of_item as (

    {{ first_events_of('item_id') }}

),

joined as (

    select
        exposures.exposure_id,
        exposures.event_date as exposure_date,
        exposures.user_id,
        exposures.item_id,
        coalesce(items.domain, 'unknown') as domain,
        exposures.rank,
        {{ rank_bucket('exposures.rank') }} as rank_bucket,
        coalesce(exposures.publication_id, 'unknown') as publication_id,
        exposures.variant,
        coalesce(sources.source, 'unknown') as source,
        {{ cold_tier('first_of_user.occurred_at', 'first_of_item.occurred_at', 'exposures.shown_at') }} as cold_tier,
        exposures.shown_at,
        outcomes.first_clicked_at,
        outcomes.first_converted_at,
        outcomes.value
    from exposures
    left join outcomes on exposures.exposure_id = outcomes.exposure_id
    left join first_of_user on exposures.user_id = first_of_user.user_id
    left join first_of_item on exposures.item_id = first_of_item.item_id
    left join {{ ref('dim_items') }} as items
        on exposures.item_id = items.item_id and {{ is_version_as_of('items', 'exposures.shown_at') }}
    left join {{ ref('int_shown_sources') }} as sources
        on
            exposures.publication_id = sources.publication_id
            and exposures.user_id = sources.user_id
            and exposures.item_id = sources.item_id

)

select * from joined
