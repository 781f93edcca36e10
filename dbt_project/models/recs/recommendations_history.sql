with publications as (

    select
        publication_id,
        row_number() over (partition by data_date order by ledger_id desc) as newest_first
    from {{ source('recs', 'publications') }}
    where action in ('published', 'history')

),

history as (

    select recommendations.*
    from {{ source('recs', 'recommendations') }} as recommendations
    inner join publications on recommendations.publication_id = publications.publication_id
    where publications.newest_first = 1

)

select * from history
