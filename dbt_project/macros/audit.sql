{# The rows that the audited attempt staged for a table of `recs`. #}
{% macro staged_rows(table) -%}
    select * from {{ source('recs_staging', table) }} where publication_id = '{{ audited_publication() }}'
{%- endmacro %}

{# The audited attempt: its end (`as_of`) and what it was allowed to see. #}
{% macro audited_attempt() -%}
    select * from {{ source('recs', 'publication_attempts') }} where publication_id = '{{ audited_publication() }}'
{%- endmacro %}

{# What the columns hold in the events that the audited attempt was allowed to see; by default pairs of user and item. #}
{% macro seen_by_audited_attempt(columns=['user_id', 'item_id']) -%}
    select distinct
        interactions.{{ columns | join(', interactions.') }}
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
        interactions.user_id,
        interactions.item_id
    from {{ ref('fct_interactions') }} as interactions
    inner join ({{ audited_attempt() }}) as attempt
        on
            interactions.occurred_at < attempt.as_of
            and (attempt.ingested_before is null or interactions.ingested_at <= attempt.ingested_before)
    inner join ({{ items }}) as items on interactions.item_id = items.item_id
    group by interactions.user_id, interactions.item_id, items.domain, attempt.as_of
    having
        coalesce(
            max(interactions.occurred_at) > attempt.as_of - case
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

{#
    The items that the audited attempt knows, and whether it may recommend them. An inferred version is known by an
    event only: where that event arrived too late for the attempt, so did the item.
#}
{% macro items_of_audited_attempt() -%}
    select
        items.item_id,
        items.domain,
        {{ is_available_as_of('items', 'attempt.as_of') }} as is_available
    from {{ ref('dim_items') }} as items
    inner join ({{ audited_attempt() }}) as attempt on {{ is_version_as_of('items', 'attempt.as_of') }}
    left join ({{ seen_by_audited_attempt(['item_id']) }}) as seen_items on items.item_id = seen_items.item_id
    where not items.is_inferred or seen_items.item_id is not null
{%- endmacro %}

{# The users that the audited attempt knows; inferred ones as with items. #}
{% macro users_of_audited_attempt() -%}
    select users.user_id
    from {{ ref('dim_users') }} as users
    inner join ({{ audited_attempt() }}) as attempt on {{ is_version_as_of('users', 'attempt.as_of') }}
    left join ({{ seen_by_audited_attempt(['user_id']) }}) as seen_users on users.user_id = seen_users.user_id
    where not users.is_inferred or seen_users.user_id is not null
{%- endmacro %}

{% macro audited_publication() -%}
    {{ return(required_variable('publication_id', '2026-03-31.1')) }}
{%- endmacro %}
