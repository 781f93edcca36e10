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

outcomes as (

    select
        *,
        variant = '{{ var("control_variant") }}' as is_control
    from {{ ref('exposure_outcomes') }}

),

realised as (

    select
        publication_id,
        is_control,
        {{ outcome_sums() }}
    from outcomes
    group by publication_id, is_control

),

rates as (

    select
        *,
        {{ rates_of('clicks', 'conversions', 'exposures') }}
    from realised

),

compared as (

    select
        publications.publication_id,
        publications.data_date,
        predicted.k,
        predicted.predicted_recall,
        predicted.popularity_recall,
        coalesce(served.exposures, 0) as exposures,
        coalesce(served.clicks, 0) as clicks,
        coalesce(served.conversions, 0) as conversions,
        served.value,
        served.ctr,
        served.ctr_low,
        served.ctr_high,
        served.conversion_rate,
        served.conversion_rate_low,
        served.conversion_rate_high,
        coalesce(controls.exposures, 0) as control_exposures,
        coalesce(controls.clicks, 0) as control_clicks,
        controls.ctr as control_ctr,
        controls.ctr_low as control_ctr_low,
        controls.ctr_high as control_ctr_high
    from publications
    inner join predicted on publications.publication_id = predicted.publication_id
    left join rates as served on publications.publication_id = served.publication_id and not served.is_control
    left join rates as controls on publications.publication_id = controls.publication_id and controls.is_control

)

select * from compared
