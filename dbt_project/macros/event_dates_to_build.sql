{#
    The event dates an incremental fact builds again: those of [interval_start - lookback_days, interval_end), and every
    date whose arrived rows are not the stored ones, so that an archive older than the look-back is not lost. Two sums
    are compared: the number of rows, and their arrival times, which change when an earlier duplicate replaces a row.
#}
{% macro event_dates_to_build(staged, stored) -%}
    {%- set first = interval_bound('interval_start') - modules.datetime.timedelta(days=var('lookback_days') | int) -%}
    {%- set last = interval_bound('interval_end') - modules.datetime.timedelta(microseconds=1) -%}
    select arrived.event_date
    from ({{ date_totals(staged) }}) as arrived
    left join ({{ date_totals(stored) }}) as built on arrived.event_date = built.event_date
    where
        arrived.event_date between date '{{ first.date() }}' and date '{{ last.date() }}'
        or built.event_date is null
        or arrived.event_count <> built.event_count
        or arrived.ingested_seconds <> built.ingested_seconds
{%- endmacro %}

{% macro date_totals(events) -%}
    select
        event_date,
        count(*) as event_count,
        sum(cast(extract(epoch from ingested_at) as bigint)) as ingested_seconds
    from {{ events }}
    group by event_date
{%- endmacro %}

{# Deletes stored dates without events: delete+insert only replaces dates that it gets rows for. #}
{% macro delete_emptied_dates(staged) -%}
    {%- if execute and is_incremental() -%}
        delete from {{ this }} where event_date not in (select distinct event_date from {{ staged }})
    {%- endif -%}
{%- endmacro %}
