-- A view: a table would copy every vector in every run.
{{ config(materialized='view') }}

with versions as (

    select
        user_id,
        kind,
        vector,
        recorded_at as valid_from,
        lead(recorded_at) over (partition by user_id, kind order by recorded_at) as valid_to
    from {{ ref('stg_user_vectors') }}

)

select * from versions
