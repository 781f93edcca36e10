{# The ranks of each top-K list are 1, 2, ... n without a gap. #}
{% test ranks_are_contiguous(model, key_of_list) %}

    with ranked as (

        select
            *,
            row_number() over (partition by {{ key_of_list | join(', ') }} order by rank) as expected_rank
        from {{ model }}

    )

    select
        {{ described(key_of_list) }} as what,
        'rank ' || min(expected_rank) as expected,
        'rank ' || min(rank) as got
    from ranked
    where rank is null or rank <> expected_rank
    group by {{ key_of_list | join(', ') }}

{% endtest %}
