{# Every value of the column is one of the members. #}
{% test is_one_of(model, column, members) %}

    select
        '{{ column }}' as what,
        '{{ members | join(", ") }}' as expected,
        coalesce({{ column }}, 'null') || ' in ' || count(*) || ' rows' as got
    from {{ model }}
    where {{ column }} is null or {{ column }} not in ('{{ members | join("', '") }}')
    group by {{ column }}

{% endtest %}
