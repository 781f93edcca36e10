{# The calendar date (UTC) of an instant. #}
{% macro utc_date(instant) -%}
    cast({{ instant }} at time zone 'UTC' as date)
{%- endmacro %}

{# The first instant after a calendar date (UTC): `as_of` of that date's run. #}
{% macro end_of_utc_date(day) -%}
    (cast({{ day }} + interval '1 day' as timestamp) at time zone 'UTC')
{%- endmacro %}
