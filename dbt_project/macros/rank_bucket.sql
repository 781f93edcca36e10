{# A rank as one of four buckets that sort as text: seen at once, without scrolling, with scrolling, hardly ever. #}
{% macro rank_bucket(rank) -%}
    case
        when {{ rank }} = 1 then '01'
        when {{ rank }} <= 3 then '02-03'
        when {{ rank }} <= 10 then '04-10'
        else '11+'
    end
{%- endmacro %}
