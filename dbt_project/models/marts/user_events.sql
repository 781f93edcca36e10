{{ config(materialized='view') }}

with interactions as (

    select * from {{ ref('fct_interactions') }}

),

items as (

    select * from {{ ref('item_titles') }}

),

events as (

    select
        interactions.event_id,
        interactions.user_id,
        interactions.item_id,
        coalesce(items.title, interactions.item_id) as title,
        items.domain,
        interactions.event_type,
        interactions.value,
        interactions.occurred_at,
        interactions.event_date
    from interactions
    left join items on interactions.item_id = items.item_id

)

select * from events
