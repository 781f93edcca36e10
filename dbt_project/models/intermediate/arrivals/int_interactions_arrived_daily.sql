{{ arrived_events_by_date(ref('stg_interactions')) }}
