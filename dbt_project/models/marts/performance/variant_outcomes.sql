with outcomes as (

    select * from {{ ref('exposure_outcomes') }}

),

variant_users as (

    {{ variant_users('outcomes') }}

),

totals as (

    select
        variant,
        slice_by,
        slice,
        count(*) as users,
        cast(sum(exposures) as bigint) as exposures,
        cast(sum(clicks) as bigint) as clicks,
        cast(sum(conversions) as bigint) as conversions,
        sum(value) as value,
        cast(sum(clicks * clicks) as double precision) as click_squares,
        cast(sum(clicks * exposures) as double precision) as click_products,
        cast(sum(conversions * conversions) as double precision) as conversion_squares,
        cast(sum(conversions * exposures) as double precision) as conversion_products,
        cast(sum(exposures * exposures) as double precision) as exposure_squares
    from variant_users
    group by variant, slice_by, slice

),

rates as (

    select
        *,
        {{ rates_of('clicks', 'conversions', 'exposures') }}
    from totals

),

spreads as (

    select
        *,
        {{ rate_variance_over_users('ctr', 'click_squares', 'click_products') }} as ctr_variance,
        {{ rate_variance_over_users('conversion_rate', 'conversion_squares', 'conversion_products') }}
            as conversion_rate_variance
    from rates

),

compared as (

    select
        arms.variant,
        arms.slice_by,
        arms.slice,
        arms.users,
        arms.exposures,
        arms.clicks,
        arms.conversions,
        arms.value,
        arms.ctr,
        arms.ctr_low,
        arms.ctr_high,
        arms.conversion_rate,
        arms.conversion_rate_low,
        arms.conversion_rate_high,
        {{ fraction('arms.value', 'arms.exposures') }} as value_per_exposure,
        arms.ctr - controls.ctr as ctr_lift,
        {{ lift_bound('ctr', 'low') }} as ctr_lift_low,
        {{ lift_bound('ctr', 'high') }} as ctr_lift_high,
        arms.conversion_rate - controls.conversion_rate as conversion_rate_lift,
        {{ lift_bound('conversion_rate', 'low') }} as conversion_rate_lift_low,
        {{ lift_bound('conversion_rate', 'high') }} as conversion_rate_lift_high
    from spreads as arms
    left join spreads as controls
        on
            arms.slice_by = controls.slice_by
            and arms.slice = controls.slice
            and controls.variant = '{{ var("control_variant") }}'
            and arms.variant <> controls.variant

)

select * from compared
