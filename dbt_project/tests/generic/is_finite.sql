{# No value of the columns is NaN or infinite; null is allowed. #}
{% test is_finite(model, columns) %}

    {% for column in columns %}
        select
            '{{ column }}' as what,
            'a finite number' as expected,
            {{ number_as_text(column) }} || ' in ' || count(*) || ' rows' as got
        from {{ model }}
        where {{ column }} is not null and not ({{ is_finite_number(column) }})
        group by {{ column }}
        {{ 'union all' if not loop.last }}
    {% endfor %}

{% endtest %}
