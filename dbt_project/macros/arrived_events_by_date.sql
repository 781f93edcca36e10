{# How many rows of a staging view had arrived for each event date when this was built. #}
{% macro arrived_events_by_date(staged) -%}
    with arrived as (

        select * from {{ staged }}

    ),

    counted as (

        select
            event_date,
            count(*) as event_count
        from arrived
        group by event_date

    )

    select * from counted
{%- endmacro %}
