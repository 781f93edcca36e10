{{ config(materialized='view') }}

with features as (

    select
        item_id,
        feature,
        weight,
        valid_from,
        valid_to
    from {{ ref('dim_item_features') }}
    where weight > 0

)

select * from features
