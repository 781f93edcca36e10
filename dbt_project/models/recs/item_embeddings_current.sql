select item_embeddings.*
from {{ source('recs', 'item_embeddings') }} as item_embeddings
inner join {{ source('recs', 'current_publication') }} as current_publication
    on item_embeddings.publication_id = current_publication.publication_id
