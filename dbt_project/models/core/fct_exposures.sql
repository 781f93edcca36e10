{{ config(
    materialized='incremental',
    incremental_strategy='delete+insert',
    unique_key='event_date',
    on_schema_change='fail',
    pre_hook="{{ delete_emptied_dates(ref('stg_exposures')) }}"
) }}

with exposures as (

    select
        exposure_id,
        user_id,
        item_id,
        rank,
        publication_id,
        variant,
        shown_at,
        ingested_at,
        event_date
    from {{ ref('stg_exposures') }}
    {% if is_incremental() %}
        where event_date in ({{ event_dates_to_build(ref('stg_exposures'), this) }})
    {% endif %}

)

select * from exposures
