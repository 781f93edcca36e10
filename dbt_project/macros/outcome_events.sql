{# The clicks and conversions that arrived, as a relation. #}
{% macro outcome_events() -%}
    (
        select *
        from {{ ref('stg_interactions') }}
        where event_type in ({{ quoted(var('click_event_types') + var('conversion_event_types')) }})
    ) as outcome_events
{%- endmacro %}
