{# The values of columns as one text: `user_id=u1 domain=films`. #}
{% macro described(columns) -%}
    {%- for column in columns -%}
        '{{ column }}=' || coalesce(cast({{ column }} as text), 'null') {{ "|| ' ' || " if not loop.last }}
    {%- endfor -%}
{%- endmacro %}
