{# Whether a number is neither NaN nor infinite: NaN sorts above infinity in every engine Nightjar runs on. #}
{% macro is_finite_number(number) -%}
    {{ number }} > cast('-Infinity' as double precision) and {{ number }} < cast('Infinity' as double precision)
{%- endmacro %}
