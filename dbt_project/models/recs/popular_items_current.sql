select popular_items.*
from {{ source('recs', 'popular_items') }} as popular_items
inner join {{ source('recs', 'current_publication') }} as current_publication
    on popular_items.publication_id = current_publication.publication_id
