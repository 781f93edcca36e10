with arrived as (

    select * from {{ ref('stg_interactions') }}

),

counted as (

    select
        event_date,
        count(*) as event_count
    from arrived
    group by event_date

)

select * from counted
