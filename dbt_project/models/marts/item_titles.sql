{{ config(materialized='view') }}

with items as (

    select
        item_id,
        coalesce(title, item_id) as title,
        domain
    from {{ ref('dim_items') }}
    where valid_to is null

)

select * from items
