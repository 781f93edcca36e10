{# A text in lower case, letter by letter: equal in all engines for every letter of Unicode 15. #}
{% macro lower_case(text) -%}
    {{ return(adapter.dispatch('lower_case')(text)) }}
{%- endmacro %}

{% macro duckdb__lower_case(text) -%}
    lower({{ text }})
{%- endmacro %}

{# The collation C has the letters of ASCII only; the result gets it back, or it could not be compared. #}
{% macro postgres__lower_case(text) -%}
    lower({{ text }} collate "pg_c_utf8") collate "default"
{%- endmacro %}

{# A text without the space separators of Unicode around it. #}
{% macro trimmed(text) -%}
    {{ return(adapter.dispatch('trimmed')(text)) }}
{%- endmacro %}

{% macro duckdb__trimmed(text) -%}
    trim({{ text }})
{%- endmacro %}

{% macro postgres__trimmed(text) -%}
    trim({{ text }}, U&'\0020\00A0\1680\2000\2001\2002\2003\2004\2005\2006\2007\2008\2009\200A\202F\205F\3000')
{%- endmacro %}

{# A floating-point number as text: `1`, `0.5`, `nan`, `-inf`. #}
{% macro number_as_text(number) -%}
    {{ return(adapter.dispatch('number_as_text')(number)) }}
{%- endmacro %}

{% macro duckdb__number_as_text(number) -%}
    regexp_replace(cast({{ number }} as text), '\.0$', '')
{%- endmacro %}

{% macro postgres__number_as_text(number) -%}
    replace(lower(cast({{ number }} as text)), 'infinity', 'inf')
{%- endmacro %}
