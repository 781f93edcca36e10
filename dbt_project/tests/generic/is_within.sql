{# Every value of the columns lies between the bounds, both included; null is allowed, NaN is not. #}
{% test is_within(model, columns, lowest, highest) %}

    {% for column in columns %}
        select
            '{{ column }}' as what,
            'from {{ lowest }} to {{ highest }}' as expected,
            {{ number_as_text(column) }} || ' in ' || count(*) || ' rows' as got
        from {{ model }}
        where {{ column }} < {{ lowest }} or {{ column }} > {{ highest }}
        group by {{ column }}
        {{ 'union all' if not loop.last }}
    {% endfor %}

{% endtest %}
