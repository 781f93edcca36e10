with versions as (

    select
        user_id,
        created_at,
        is_inferred,
        valid_from,
        lead(valid_from) over (partition by user_id order by valid_from) as valid_to
    from {{ ref('int_user_versions') }}

)

select * from versions
