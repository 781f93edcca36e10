-- A view: a table would copy every vector in every run.
{{ config(materialized='view') }}

with versions as (

    select
        item_id,
        kind,
        vector,
        recorded_at as valid_from,
        lead(recorded_at) over (partition by item_id, kind order by recorded_at) as valid_to
    from {{ ref('stg_item_vectors') }}

)

select * from versions
