with weights as (

    select
        cast(event_type as text) as event_type,
        cast(weight as double precision) as weight,
        cast(min_value as double precision) as min_value,
        cast(half_life_days as double precision) as half_life_days
    from {{ source('raw', 'event_weights') }}

)

select * from weights
