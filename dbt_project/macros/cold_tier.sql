{#
    Whether user and item were cold when the item was shown, named as the slices of the offline metrics: `cold_user` where
    the user had no event before, else `cold_item` where the item had none, else `warm`.
#}
{% macro cold_tier(first_of_user, first_of_item, shown_at) -%}
    case
        when coalesce({{ first_of_user }} >= {{ shown_at }}, true) then 'cold_user'
        when coalesce({{ first_of_item }} >= {{ shown_at }}, true) then 'cold_item'
        else 'warm'
    end
{%- endmacro %}

{# When each user (or item) had the first event. #}
{% macro first_events_of(id) -%}
    select
        {{ id }},
        min(occurred_at) as occurred_at
    from {{ ref('fct_interactions') }}
    group by {{ id }}
{%- endmacro %}
