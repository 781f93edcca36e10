select user_embeddings.*
from {{ source('recs', 'user_embeddings') }} as user_embeddings
inner join {{ source('recs', 'current_publication') }} as current_publication
    on user_embeddings.publication_id = current_publication.publication_id
