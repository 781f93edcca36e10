{{ config(
    materialized='incremental',
    incremental_strategy='delete+insert',
    unique_key='event_date',
    on_schema_change='fail',
    pre_hook="{{ delete_emptied_dates(outcome_events()) }}"
) }}

with staged as (

    select * from {{ outcome_events() }}

),

outcome_events as (

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

select * from outcome_events
