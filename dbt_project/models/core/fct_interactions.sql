{{ config(
    materialized='incremental',
    incremental_strategy='delete+insert',
    unique_key='event_date',
    on_schema_change='fail',
    pre_hook="{{ delete_emptied_dates(ref('stg_interactions')) }}"
) }}

-- Counted before the fact is built, for the input gate.
-- depends_on: {{ ref('int_interactions_arrived_daily') }}

-- Named once, because it also gives the dates to build: reading the view sorts all that ever arrived.
with staged as (

    select * from {{ ref('stg_interactions') }}

),

interactions as (

    select
        event_id,
        user_id,
        item_id,
        event_type,
        value,
        occurred_at,
        ingested_at,
        event_date
    from staged
    {% if is_incremental() %}
        where event_date in ({{ event_dates_to_build('staged', this) }})
    {% endif %}

)

select * from interactions
