{# The columns identify a row: none is null and no combination occurs twice. #}
{% test is_key(model, columns) %}

    select
        {{ described(columns) }} as what,
        'one row' as expected,
        count(*) || ' rows' as got
    from {{ model }}
    group by {{ columns | join(', ') }}
    having count(*) > 1
    {% for column in columns %}
        union all
        select
            '{{ column }}' as what,
            'a value' as expected,
            count(*) || ' rows without' as got
        from {{ model }}
        where {{ column }} is null
        having count(*) > 0
    {% endfor %}

{% endtest %}
