-- The attempt exists and staged both indices, recall of the model and of the baseline, the sources of the model, and
-- popular items in every domain. A recall has a value, unless no user has a holdout, or no query of the index is
-- possible: no user, or only one item.
with attempt as (

    {{ audited_attempt() }}

),

index_manifest as (

    {{ staged_rows('index_manifest') }}

),

queried_indices as (

    select *
    from index_manifest
    where
        (index_name = 'similarity' and item_count > 1)
        or (
            index_name = 'retrieval'
            and item_count > 0
            and exists (select 1 from ({{ staged_rows('user_embeddings') }}) as user_embeddings)
        )

),

model_metrics as (

    {{ staged_rows('model_metrics') }}

),

model_sources as (

    {{ staged_rows('model_sources') }}

),

popular_items as (

    {{ staged_rows('popular_items') }}

),

available_items as (

    select items.domain
    from ({{ items_of_audited_attempt() }}) as items
    where items.is_available

),

found as (

    select
        'the audited attempt' as what,
        1 as expected,
        count(*) as got
    from attempt
    union all
    select
        'index_manifest of retrieval and similarity' as what,
        2 as expected,
        count(distinct index_name) as got
    from index_manifest
    where index_name in ('retrieval', 'similarity')
    union all
    select
        'models with recall on all: nightjar and popularity' as what,
        2 as expected,
        count(distinct model) as got
    from model_metrics
    where
        model in ('nightjar', 'popularity')
        and metric = 'recall'
        and slice = 'all'
        and (value is not null or users = 0)
    union all
    select
        'model_sources of lightfm' as what,
        1 as expected,
        count(*) as got
    from model_sources
    where source = 'lightfm'
    union all
    select
        'recall of ' || queried_indices.index_name as what,
        1 as expected,
        count(queried_indices.recall) as got
    from queried_indices
    group by queried_indices.index_name
    union all
    select
        'popular_items of segment all in ' || available_items.domain as what,
        1 as expected,
        count(distinct popular_items.domain) as got
    from available_items
    left join popular_items on available_items.domain = popular_items.domain and popular_items.segment = 'all'
    group by available_items.domain

)

select * from found
where got <> expected
