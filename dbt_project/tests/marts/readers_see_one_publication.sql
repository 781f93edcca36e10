-- The pointer names at most one publication, and a ledger entry of that publication.
select
    'current_publication' as what,
    'one row that its ledger entry agrees with' as expected,
    count(*) || ' rows, ' || count(publications.ledger_id) || ' with their entry' as got
from {{ source('recs', 'current_publication') }} as current_publication
left join {{ source('recs', 'publications') }} as publications
    on
        current_publication.ledger_id = publications.ledger_id
        and current_publication.publication_id = publications.publication_id
having count(*) > 1 or count(*) <> count(publications.ledger_id)
