{# Every one of the columns has a value in every row. #}
{% test has_no_nulls(model, columns) %}

    {% for column in columns %}
        select
            '{{ column }}' as what,
            'a value' as expected,
            count(*) || ' rows without' as got
        from {{ model }}
        where {{ column }} is null
        having count(*) > 0
        {{ 'union all' if not loop.last }}
    {% endfor %}

{% endtest %}
