{# The dates before the interval's end on which a fact has not as many rows as its staging view. #}
{% macro facts_that_miss_events(staged, fact) -%}
    {%- set last = interval_bound('interval_end') - modules.datetime.timedelta(microseconds=1) -%}
    select
        'event_date=' || cast(coalesce(arrived.event_date, built.event_date) as text) as what,
        coalesce(arrived.event_count, 0) || ' rows' as expected,
        coalesce(built.event_count, 0) || ' rows' as got
    from ({{ date_totals(staged) }}) as arrived
    full outer join ({{ date_totals(fact) }}) as built on arrived.event_date = built.event_date
    where
        coalesce(arrived.event_date, built.event_date) <= date '{{ last.date() }}'
        and coalesce(arrived.event_count, 0) <> coalesce(built.event_count, 0)
{%- endmacro %}
