{# The rows that the audited attempt staged for a table of `recs`. #}
{% macro staged_rows(table) -%}
    select * from {{ source('recs_staging', table) }} where publication_id = '{{ audited_publication() }}'
{%- endmacro %}

{# The audited attempt: its end (`as_of`) and what it was allowed to see. #}
{% macro audited_attempt() -%}
    select * from {{ source('recs', 'publication_attempts') }} where publication_id = '{{ audited_publication() }}'
{%- endmacro %}

{# The rows of a table of the audited attempt's snapshot; facts and dimensions may have changed since. #}
{% macro snapshot_rows(table) -%}
    select * from {{ source('recs_staging', table) }} where publication_id = '{{ audited_publication() }}'
{%- endmacro %}

{# Whether the attempt has no staged snapshot, as of an earlier version: then the facts stand in. #}
{% macro has_no_snapshot() -%}
    not exists (
        select 1 from {{ source('recs_staging', 'snapshot_users') }}
        where publication_id = '{{ audited_publication() }}'
    )
{%- endmacro %}

{# Columns of the events that the audited attempt saw; by default pairs of user and item. #}
{% macro seen_by_audited_attempt(columns=['user_id', 'item_id']) -%}
    select {{ columns | join(', ') }} from ({{ snapshot_rows('snapshot_interactions') }}) as snapshot_interactions
    union
    {{ visible_to_audited_attempt(columns) }}
    where {{ has_no_snapshot() }}
{%- endmacro %}

{# The same from the facts as they are now, by the attempt's end and by when the rows arrived. #}
{% macro visible_to_audited_attempt(columns) -%}
    select interactions.{{ columns | join(', interactions.') }}
    from {{ ref('fct_interactions') }} as interactions
    inner join ({{ audited_attempt() }}) as attempt
        on
            interactions.occurred_at < attempt.as_of
            and (attempt.ingested_before is null or interactions.ingested_at <= attempt.ingested_before)
{%- endmacro %}

{#
    The pairs of user and item that the audited attempt may not recommend: seen items, unless the setting
    NIGHTJAR_REPEAT_AFTER_DAYS allows repeats in the domain and the last event is that old at the attempt's end.
#}
{% macro seen_pairs_not_to_recommend() -%}
    {#- Named in every case, so that the dependencies of the test do not depend on the variable. -#}
    {%- set items = items_of_audited_attempt() -%}
    {%- set days = fromjson(var('repeat_after_days', '{}')) -%}
    {%- if not days -%}
    {{ seen_by_audited_attempt() }}
    {%- else -%}
    select
        pairs.user_id,
        pairs.item_id
    from ({{ last_seen_by_audited_attempt() }}) as pairs
    inner join ({{ items }}) as items on pairs.item_id = items.item_id
    cross join ({{ audited_attempt() }}) as attempt
    where
        coalesce(
            pairs.last_occurred_at > attempt.as_of - case
                {%- for domain, number in days.items() if domain != '*' %}
                when items.domain = '{{ domain | replace("'", "''") }}' then interval '{{ number * 24 }} hours'
                {%- endfor %}
                {%- if '*' in days %}
                when items.domain is not null then interval '{{ days['*'] * 24 }} hours'
                {%- endif %}
            end,
            true
        )
    {%- endif -%}
{%- endmacro %}

{# The pairs of user and item that the audited attempt saw, with the time of their last event. #}
{% macro last_seen_by_audited_attempt() -%}
    select
        user_id,
        item_id,
        last_occurred_at
    from ({{ snapshot_rows('snapshot_interactions') }}) as snapshot_interactions
    union all
    select
        user_id,
        item_id,
        max(occurred_at) as last_occurred_at
    from ({{ visible_to_audited_attempt(['user_id', 'item_id', 'occurred_at']) }}) as visible
    where {{ has_no_snapshot() }}
    group by user_id, item_id
{%- endmacro %}

{#
    The items that the audited attempt saw, and whether it may recommend them. In facts and dimensions an inferred version
    comes from an event: where that event arrived too late for the attempt, so did the item.
#}
{% macro items_of_audited_attempt() -%}
    select
        item_id,
        domain,
        is_available
    from ({{ snapshot_rows('snapshot_items') }}) as snapshot_items
    union all
    select
        items.item_id,
        items.domain,
        {{ is_available_as_of('items', 'attempt.as_of') }} as is_available
    from {{ ref('dim_items') }} as items
    inner join ({{ audited_attempt() }}) as attempt on {{ is_version_as_of('items', 'attempt.as_of') }}
    left join (select distinct item_id from ({{ visible_to_audited_attempt(['item_id']) }}) as visible) as seen_items
        on items.item_id = seen_items.item_id
    where {{ has_no_snapshot() }} and (not items.is_inferred or seen_items.item_id is not null)
{%- endmacro %}

{# The users that the audited attempt saw; inferred ones as with items. #}
{% macro users_of_audited_attempt() -%}
    select user_id from ({{ snapshot_rows('snapshot_users') }}) as snapshot_users
    union all
    select users.user_id
    from {{ ref('dim_users') }} as users
    inner join ({{ audited_attempt() }}) as attempt on {{ is_version_as_of('users', 'attempt.as_of') }}
    left join (select distinct user_id from ({{ visible_to_audited_attempt(['user_id']) }}) as visible) as seen_users
        on users.user_id = seen_users.user_id
    where {{ has_no_snapshot() }} and (not users.is_inferred or seen_users.user_id is not null)
{%- endmacro %}

{% macro audited_publication() -%}
    {{ return(required_variable('publication_id', '2026-03-31.1')) }}
{%- endmacro %}
