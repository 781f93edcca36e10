-- Vectors of a kind are equally long; each holds finite numbers only, and not only 0.
{{ unsound_vectors(ref('stg_item_vectors'), 'item_id') }}
