{# What a group of rows of `exposure_outcomes` led to. #}
{% macro outcome_sums() -%}
    count(*) as exposures,
        count(first_clicked_at) as clicks,
        count(first_converted_at) as conversions,
        sum(value) as value
{%- endmacro %}

{# Click-through and conversion rate with Wilson's intervals. #}
{% macro rates_of(clicks, conversions, exposures) -%}
    {{ share(clicks, exposures) }} as ctr,
        {{ wilson(clicks, exposures, 'low') }} as ctr_low,
        {{ wilson(clicks, exposures, 'high') }} as ctr_high,
        {{ share(conversions, exposures) }} as conversion_rate,
        {{ wilson(conversions, exposures, 'low') }} as conversion_rate_low,
        {{ wilson(conversions, exposures, 'high') }} as conversion_rate_high
{%- endmacro %}
