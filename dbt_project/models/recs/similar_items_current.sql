select similar_items.*
from {{ source('recs', 'similar_items') }} as similar_items
inner join {{ source('recs', 'current_publication') }} as current_publication
    on similar_items.publication_id = current_publication.publication_id
