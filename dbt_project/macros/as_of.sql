{# The version of a dimension's row that is valid at `instant`: recorded before it and not replaced before it. #}
{% macro is_version_as_of(dimension, instant) -%}
    {{ dimension }}.valid_from < {{ instant }}
    and ({{ dimension }}.valid_to is null or {{ dimension }}.valid_to >= {{ instant }})
{%- endmacro %}

{# Whether an item can be recommended at `instant`, by a version of it. #}
{% macro is_available_as_of(items, instant) -%}
    ({{ items }}.available_from is null or {{ items }}.available_from < {{ instant }})
    and ({{ items }}.available_until is null or {{ items }}.available_until >= {{ instant }})
{%- endmacro %}
