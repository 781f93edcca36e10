select recommendations.*
from {{ source('recs', 'recommendations') }} as recommendations
inner join {{ source('recs', 'current_publication') }} as current_publication
    on recommendations.publication_id = current_publication.publication_id
