with daily as (

    select
        exposure_date,
        publication_id,
        variant,
        source,
        domain,
        rank,
        count(*) as exposures,
        count(first_clicked_at) as clicks,
        count(first_converted_at) as conversions
    from {{ ref('exposure_outcomes') }}
    group by exposure_date, publication_id, variant, source, domain, rank

),

rates as (

    select
        *,
        {{ share('clicks', 'exposures') }} as ctr,
        {{ share('conversions', 'exposures') }} as conversion_rate
    from daily

)

select * from rates
