{# A model's schema is the one its folder names, without the target's as prefix: analysts find `core`, `marts`. #}
{% macro generate_schema_name(custom_schema_name, node) -%}
    {{ custom_schema_name | trim if custom_schema_name else target.schema }}
{%- endmacro %}
