with publications as (

    select distinct
        publication_id,
        data_date
    from {{ source('recs', 'publications') }}

),

predicted as (

    select
        publication_id,
        k,
        max(case when model = 'nightjar' then value end) as predicted_recall,
        max(case when model = 'popularity' then value end) as popularity_recall
    from {{ source('recs', 'model_metrics') }}
    where metric = 'recall' and slice = 'all'
    group by publication_id, k

),

realised as (

    select
        publication_id,
        count(*) as exposures,
        count(first_clicked_at) as clicks,
        count(first_converted_at) as conversions
    from {{ ref('exposure_outcomes') }}
    group by publication_id

),

compared as (

    select
        publications.publication_id,
        publications.data_date,
        predicted.k,
        predicted.predicted_recall,
        predicted.popularity_recall,
        coalesce(realised.exposures, 0) as exposures,
        coalesce(realised.clicks, 0) as clicks,
        coalesce(realised.conversions, 0) as conversions,
        {{ share('realised.clicks', 'realised.exposures') }} as ctr,
        {{ share('realised.conversions', 'realised.exposures') }} as conversion_rate
    from publications
    inner join predicted on publications.publication_id = predicted.publication_id
    left join realised on publications.publication_id = realised.publication_id

)

select * from compared
