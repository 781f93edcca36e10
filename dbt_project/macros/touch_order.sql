{# Which of several exposures within the window an event is credited to: the last one before it, or the first. #}
{% macro touch_order(exposures) -%}
    {%- set touch = var('attribution_touch') -%}
    {%- if execute and touch not in ('last', 'first') -%}
        {{ exceptions.raise_compiler_error("variable attribution_touch is '" ~ touch ~ "': give last or first") }}
    {%- endif -%}
    {%- set direction = 'desc' if touch == 'last' else 'asc' -%}
    {{ exposures }}.shown_at {{ direction }}, {{ exposures }}.exposure_id {{ direction }}
{%- endmacro %}
