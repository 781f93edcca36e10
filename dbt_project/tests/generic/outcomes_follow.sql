{# No outcome of a row happened before it was shown; null is allowed. #}
{% test outcomes_follow(model, columns, shown_at) %}

    {% for column in columns %}
        select
            '{{ column }}' as what,
            'not before {{ shown_at }}' as expected,
            count(*) || ' rows before it' as got
        from {{ model }}
        where {{ column }} < {{ shown_at }}
        having count(*) > 0
        {{ 'union all' if not loop.last }}
    {% endfor %}

{% endtest %}
