{{ config(
    materialized='incremental',
    incremental_strategy='delete+insert',
    unique_key='event_date',
    on_schema_change='fail',
    pre_hook="{{ delete_emptied_dates(ref('stg_interactions')) }}"
) }}

with interactions as (

    select
        event_id,
        user_id,
        item_id,
        event_type,
        value,
        occurred_at,
        ingested_at,
        event_date
    from {{ ref('stg_interactions') }}
    {% if is_incremental() %}
        where event_date in ({{ event_dates_to_build(ref('stg_interactions'), this) }})
    {% endif %}

)

select * from interactions
