{{ config(materialized='view') }}

with vectors as (

    select * from {{ ref('dim_item_vectors') }}

),

items as (

    select
        item_id,
        min(valid_from) as first_valid_from
    from {{ ref('dim_items') }}
    group by item_id

),

versions as (

    select
        vectors.item_id,
        vectors.kind,
        vectors.vector,
        cast({{ vector_dim('vectors.vector') }} as integer) as dimension,
        vectors.valid_from as recorded_at,
        -- A run leaves out the vectors of items that it does not have.
        greatest(vectors.valid_from, items.first_valid_from) as valid_from,
        vectors.valid_to
    from vectors
    inner join items on vectors.item_id = items.item_id

)

select * from versions
