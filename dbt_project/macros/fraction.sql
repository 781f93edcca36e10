{# A fraction that is null, not an error, where there is nothing to divide by. #}
{% macro fraction(part, whole) -%}
    cast({{ part }} as double precision) / nullif({{ whole }}, 0)
{%- endmacro %}
