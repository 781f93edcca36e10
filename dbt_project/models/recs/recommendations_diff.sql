with pointer as (

    select
        current_publication.publication_id,
        current_publication.data_date,
        publications.previous_publication_id
    from {{ source('recs', 'current_publication') }} as current_publication
    inner join {{ source('recs', 'publications') }} as publications
        on current_publication.ledger_id = publications.ledger_id

),

new_rows as (

    select recommendations.*
    from {{ source('recs', 'recommendations') }} as recommendations
    inner join pointer on recommendations.publication_id = pointer.publication_id

),

old_rows as (

    select recommendations.*
    from {{ source('recs', 'recommendations') }} as recommendations
    inner join pointer on recommendations.publication_id = pointer.previous_publication_id

),

places as (

    select
        coalesce(new_rows.user_id, old_rows.user_id) as user_id,
        coalesce(new_rows.domain, old_rows.domain) as domain,
        coalesce(new_rows.item_id, old_rows.item_id) as item_id,
        new_rows.rank,
        old_rows.rank as previous_rank
    from new_rows
    full outer join old_rows
        on
            new_rows.user_id = old_rows.user_id
            and new_rows.domain = old_rows.domain
            and new_rows.item_id = old_rows.item_id

),

changes as (

    select
        pointer.publication_id,
        pointer.previous_publication_id,
        pointer.data_date,
        places.user_id,
        places.domain,
        places.item_id,
        case
            when places.previous_rank is null then 'entered'
            when places.rank is null then 'left'
            else 'moved'
        end as change,
        places.rank,
        places.previous_rank
    from places
    cross join pointer
    where
        places.rank is null
        or places.previous_rank is null
        or places.rank <> places.previous_rank

)

select * from changes
