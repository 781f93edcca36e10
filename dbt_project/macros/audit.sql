{# The rows that the audited attempt staged for a table of `recs`. #}
{% macro staged_rows(table) -%}
    select * from {{ source('recs_staging', table) }} where publication_id = '{{ audited_publication() }}'
{%- endmacro %}

{# The audited attempt: its end (`as_of`) and what it was allowed to see. #}
{% macro audited_attempt() -%}
    select * from {{ source('recs', 'publication_attempts') }} where publication_id = '{{ audited_publication() }}'
{%- endmacro %}

{# The rows of one of the tables that hold what the audited attempt saw, whatever facts and dimensions hold by now. #}
{% macro seen_rows(table) -%}
    select * from {{ source('recs_staging', table) }} where publication_id = '{{ audited_publication() }}'
{%- endmacro %}

{# Whether the attempt was staged by a version that kept nothing of what it saw: then the facts have to say it. #}
{% macro saw_nothing() -%}
    not exists (
        select 1 from {{ source('recs_staging', 'snapshot_users') }}
        where publication_id = '{{ audited_publication() }}'
    )
{%- endmacro %}

{# What the columns hold in the events that the audited attempt saw; by default pairs of user and item. #}
{% macro seen_by_audited_attempt(columns=['user_id', 'item_id']) -%}
    select {{ columns | join(', ') }} from ({{ seen_rows('snapshot_interactions') }}) as snapshot_interactions
    union
    {{ visible_to_audited_attempt(columns) }}
    where {{ saw_nothing() }}
{%- endmacro %}

{# The same as facts and dimensions have it now, by the attempt's end and by when rows said that they had arrived. #}
{% macro visible_to_audited_attempt(columns) -%}
    select interactions.{{ columns | join(', interactions.') }}
    from {{ ref('fct_interactions') }} as interactions
    inner join ({{ audited_attempt() }}) as attempt
        on
            interactions.occurred_at < attempt.as_of
            and (attempt.ingested_before is null or interactions.ingested_at <= attempt.ingested_before)
{%- endmacro %}

{#
    The pairs of user and item that no list of the audited attempt may hold: what the user had an event with, unless the
    setting NIGHTJAR_REPEAT_AFTER_DAYS lets the item's domain repeat and the last event is that old at the attempt's end.
#}
{% macro left_out_by_audited_attempt() -%}
    {#- Named whatever the variable holds, so that what the test depends on does not depend on it. -#}
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
    from ({{ seen_rows('snapshot_interactions') }}) as snapshot_interactions
    union all
    select
        user_id,
        item_id,
        max(occurred_at) as last_occurred_at
    from ({{ visible_to_audited_attempt(['user_id', 'item_id', 'occurred_at']) }}) as visible
    where {{ saw_nothing() }}
    group by user_id, item_id
{%- endmacro %}

{#
    The items that the audited attempt saw, and whether it may recommend them. Of facts and dimensions: an inferred
    version is known by an event only, and where that event arrived too late for the attempt, so did the item.
#}
{% macro items_of_audited_attempt() -%}
    select
        item_id,
        domain,
        is_available
    from ({{ seen_rows('snapshot_items') }}) as snapshot_items
    union all
    select
        items.item_id,
        items.domain,
        {{ is_available_as_of('items', 'attempt.as_of') }} as is_available
    from {{ ref('dim_items') }} as items
    inner join ({{ audited_attempt() }}) as attempt on {{ is_version_as_of('items', 'attempt.as_of') }}
    left join (select distinct item_id from ({{ visible_to_audited_attempt(['item_id']) }}) as visible) as seen_items
        on items.item_id = seen_items.item_id
    where {{ saw_nothing() }} and (not items.is_inferred or seen_items.item_id is not null)
{%- endmacro %}

{# The users that the audited attempt saw; inferred ones as with items. #}
{% macro users_of_audited_attempt() -%}
    select user_id from ({{ seen_rows('snapshot_users') }}) as snapshot_users
    union all
    select users.user_id
    from {{ ref('dim_users') }} as users
    inner join ({{ audited_attempt() }}) as attempt on {{ is_version_as_of('users', 'attempt.as_of') }}
    left join (select distinct user_id from ({{ visible_to_audited_attempt(['user_id']) }}) as visible) as seen_users
        on users.user_id = seen_users.user_id
    where {{ saw_nothing() }} and (not users.is_inferred or seen_users.user_id is not null)
{%- endmacro %}

{% macro audited_publication() -%}
    {{ return(required_variable('publication_id', '2026-03-31.1')) }}
{%- endmacro %}
