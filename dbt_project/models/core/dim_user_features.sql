with versions as (

    select
        user_id,
        feature,
        weight,
        recorded_at as valid_from,
        lead(recorded_at) over (partition by user_id, feature order by recorded_at) as valid_to
    from {{ ref('stg_user_features') }}

)

select * from versions
