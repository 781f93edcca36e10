with items as (

    select
        item_id,
        title,
        domain,
        available_from,
        available_until
    from {{ ref('dim_items') }}
    where valid_to is null

),

pointer as (

    select
        publications.publication_id,
        publications.as_of
    from {{ source('recs', 'current_publication') }} as current_publication
    inner join {{ source('recs', 'publications') }} as publications
        on current_publication.ledger_id = publications.ledger_id

),

consumed as (

    select
        item_id,
        count(*) as events,
        count(distinct user_id) as users
    from {{ ref('fct_interactions') }}
    group by item_id

),

listed as (

    select
        recommendations.item_id,
        count(*) as lists
    from {{ source('recs', 'recommendations') }} as recommendations
    inner join pointer on recommendations.publication_id = pointer.publication_id
    group by recommendations.item_id

),

shown as (

    select
        item_id,
        {{ outcome_sums() }}
    from {{ ref('exposure_outcomes') }}
    group by item_id

),

joined as (

    select
        items.item_id,
        items.title,
        items.domain,
        coalesce({{ is_available_as_of('items', 'pointer.as_of') }}, false) as is_available,
        coalesce(consumed.events, 0) as events,
        coalesce(consumed.users, 0) as users,
        coalesce(listed.lists, 0) as lists,
        coalesce(shown.exposures, 0) as exposures,
        coalesce(shown.clicks, 0) as clicks,
        coalesce(shown.conversions, 0) as conversions,
        shown.value,
        {{ fraction('shown.clicks', 'shown.exposures') }} as ctr,
        {{ wilson('shown.clicks', 'shown.exposures', 'low') }} as ctr_low,
        {{ wilson('shown.clicks', 'shown.exposures', 'high') }} as ctr_high
    from items
    left join pointer on true
    left join consumed on items.item_id = consumed.item_id
    left join listed on items.item_id = listed.item_id
    left join shown on items.item_id = shown.item_id

)

select * from joined
