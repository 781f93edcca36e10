with daily as (

    select
        exposure_date,
        publication_id,
        variant,
        source,
        domain,
        rank,
        rank_bucket,
        cold_tier,
        {{ outcome_sums() }}
    from {{ ref('exposure_outcomes') }}
    group by exposure_date, publication_id, variant, source, domain, rank, rank_bucket, cold_tier

),

rates as (

    select
        *,
        {{ rates_of('clicks', 'conversions', 'exposures') }}
    from daily

)

select * from rates
