{# A list of words as SQL string literals. #}
{% macro quoted(words) -%}
    '{{ words | join("', '") }}'
{%- endmacro %}
