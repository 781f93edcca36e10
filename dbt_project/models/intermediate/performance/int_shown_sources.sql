{{ config(
    materialized='incremental',
    incremental_strategy='append',
    on_schema_change='fail'
) }}

-- Kept here, because retention deletes the rows of old publications, whose outcomes are still reported.
with shown as (

    select distinct
        publication_id,
        user_id,
        item_id
    from {{ ref('fct_exposures') }}
    where publication_id is not null

),

popular as (

    select distinct
        publication_id,
        item_id
    from {{ source('recs', 'popular_items') }}

),

sources as (

    select
        shown.publication_id,
        shown.user_id,
        shown.item_id,
        coalesce(listed.source, 'popular') as source
    from shown
    left join {{ source('recs', 'recommendations') }} as listed
        on
            shown.publication_id = listed.publication_id
            and shown.user_id = listed.user_id
            and shown.item_id = listed.item_id
    left join popular
        on shown.publication_id = popular.publication_id and shown.item_id = popular.item_id
    where listed.source is not null or popular.item_id is not null

),

not_stored_yet as (

    select sources.*
    from sources
    {% if is_incremental() %}
        left join {{ this }} as stored
            on
                sources.publication_id = stored.publication_id
                and sources.user_id = stored.user_id
                and sources.item_id = stored.item_id
        where stored.item_id is null
    {% endif %}

)

select * from not_stored_yet
