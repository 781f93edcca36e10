-- All rows of the attempt carry its data date: the partition that they are published in.
with attempt as (

    {{ audited_attempt() }}

),

{% set tables = [
    'recommendations',
    'similar_items',
    'item_embeddings',
    'user_embeddings',
    'popular_items',
    'index_manifest',
    'model_metrics',
    'model_sources',
] %}

staged as (

    {% for table in tables %}
        select
            '{{ table }}' as table_name,
            data_date
        from {{ source('recs_staging', table) }}
        where publication_id = '{{ audited_publication() }}'
        {{ 'union all' if not loop.last }}
    {% endfor %}

)

select
    staged.table_name as what,
    cast(attempt.data_date as text) as expected,
    cast(staged.data_date as text) || ' in ' || count(*) || ' rows' as got
from staged
cross join attempt
where staged.data_date <> attempt.data_date
group by staged.table_name, attempt.data_date, staged.data_date
