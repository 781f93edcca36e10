{# One row is one user in one slice of one variant: exposures and their outcomes. #}
{% macro variant_users(outcomes) -%}
    {%- set slices = {
        'all': "'all'",
        'date': 'cast(exposure_date as text)',
        'week': "cast(cast(date_trunc('week', exposure_date) as date) as text)",
        'publication': 'publication_id',
        'source': 'source',
        'domain': 'domain',
        'rank_bucket': 'rank_bucket',
        'cold_tier': 'cold_tier',
    } -%}
    {% for slice_by, slice in slices.items() %}
        select
            variant,
            '{{ slice_by }}' as slice_by,
            {{ slice }} as slice,
            user_id,
            {{ outcome_sums() }}
        from {{ outcomes }}
        group by variant, slice, user_id
        {{ 'union all' if not loop.last }}
    {% endfor %}
{%- endmacro %}
