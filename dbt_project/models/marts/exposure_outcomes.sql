with exposures as (

    select * from {{ ref('fct_exposures') }}

),

touches as (

    select
        exposures.exposure_id,
        interactions.event_type,
        interactions.occurred_at,
        row_number() over (
            partition by interactions.event_id
            order by exposures.shown_at desc, exposures.exposure_id desc
        ) as last_first
    from {{ ref('fct_interactions') }} as interactions
    inner join exposures
        on
            interactions.user_id = exposures.user_id
            and interactions.item_id = exposures.item_id
            and interactions.occurred_at >= exposures.shown_at
            and interactions.occurred_at
            < exposures.shown_at + interval '{{ var("attribution_window_hours") }} hours'
    where interactions.event_type in ({{ quoted(var('click_event_types') + var('conversion_event_types')) }})

),

outcomes as (

    select
        exposure_id,
        min(case when event_type in ({{ quoted(var('click_event_types')) }}) then occurred_at end) as first_clicked_at,
        min(case when event_type in ({{ quoted(var('conversion_event_types')) }}) then occurred_at end)
            as first_converted_at
    from touches
    where last_first = 1
    group by exposure_id

),

joined as (

    select
        exposures.exposure_id,
        exposures.event_date as exposure_date,
        exposures.user_id,
        exposures.item_id,
        coalesce(items.domain, 'unknown') as domain,
        exposures.rank,
        coalesce(exposures.publication_id, 'unknown') as publication_id,
        exposures.variant,
        coalesce(recommendations.source, 'unknown') as source,
        exposures.shown_at,
        outcomes.first_clicked_at,
        outcomes.first_converted_at
    from exposures
    left join outcomes on exposures.exposure_id = outcomes.exposure_id
    left join {{ ref('dim_items') }} as items
        on exposures.item_id = items.item_id and {{ is_version_as_of('items', 'exposures.shown_at') }}
    left join {{ source('recs', 'recommendations') }} as recommendations
        on
            exposures.publication_id = recommendations.publication_id
            and exposures.user_id = recommendations.user_id
            and exposures.item_id = recommendations.item_id

)

select * from joined
