{# The rows that the audited attempt staged for a table of `recs`. #}
{% macro staged_rows(table) -%}
    select * from {{ source('recs_staging', table) }} where publication_id = '{{ audited_publication() }}'
{%- endmacro %}

{# The audited attempt: its end (`as_of`) and what it was allowed to see. #}
{% macro audited_attempt() -%}
    select * from {{ source('recs', 'publication_attempts') }} where publication_id = '{{ audited_publication() }}'
{%- endmacro %}

{# The distinct pairs of user and item of the events that the audited attempt was allowed to see. #}
{% macro seen_by_audited_attempt() -%}
    select distinct
        interactions.user_id,
        interactions.item_id
    from {{ ref('fct_interactions') }} as interactions
    inner join ({{ audited_attempt() }}) as attempt
        on
            interactions.occurred_at < attempt.as_of
            and (attempt.ingested_before is null or interactions.ingested_at <= attempt.ingested_before)
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
    where not items.is_inferred or items.item_id in (select item_id from ({{ seen_by_audited_attempt() }}) as seen)
{%- endmacro %}

{# The users that the audited attempt knows; inferred ones as with items. #}
{% macro users_of_audited_attempt() -%}
    select users.user_id
    from {{ ref('dim_users') }} as users
    inner join ({{ audited_attempt() }}) as attempt on {{ is_version_as_of('users', 'attempt.as_of') }}
    where not users.is_inferred or users.user_id in (select user_id from ({{ seen_by_audited_attempt() }}) as seen)
{%- endmacro %}

{% macro audited_publication() -%}
    {{ return(required_variable('publication_id', '2026-03-31.1')) }}
{%- endmacro %}
