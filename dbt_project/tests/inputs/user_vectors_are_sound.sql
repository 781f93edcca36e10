-- Vectors of a kind are equally long; each holds finite numbers only, and not only 0.
{{ unsound_vectors(ref('stg_user_vectors'), 'user_id') }}
