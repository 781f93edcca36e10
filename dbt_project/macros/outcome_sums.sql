{# Outcomes of a group of rows of `exposure_outcomes`. #}
{% macro outcome_sums() -%}
    count(*) as exposures,
        count(first_clicked_at) as clicks,
        count(first_converted_at) as conversions,
        sum(value) as value
{%- endmacro %}

{# Click-through and conversion rate with Wilson's intervals. #}
{% macro rates_of(clicks, conversions, exposures) -%}
    {{ fraction(clicks, exposures) }} as ctr,
        {{ wilson(clicks, exposures, 'low') }} as ctr_low,
        {{ wilson(clicks, exposures, 'high') }} as ctr_high,
        {{ fraction(conversions, exposures) }} as conversion_rate,
        {{ wilson(conversions, exposures, 'low') }} as conversion_rate_low,
        {{ wilson(conversions, exposures, 'high') }} as conversion_rate_high
{%- endmacro %}
