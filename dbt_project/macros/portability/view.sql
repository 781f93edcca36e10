{#
    A view is replaced in place. dbt's own way, a new view that takes the old one's name, drops the old one and with it
    every view on it, a reader's own too, and the grants on them. Only where the columns changed, in their names, types
    or order, PostgreSQL refuses, and the view is dropped; readers do not see that happen, it is one transaction.
#}
{% materialization view, adapter='postgres' %}
    {%- set existing_relation = load_cached_relation(this) -%}
    {%- set target_relation = this.incorporate(type='view') -%}

    {{ run_hooks(pre_hooks, inside_transaction=False) }}
    {{ run_hooks(pre_hooks, inside_transaction=True) }}

    {% if existing_relation is not none and not existing_relation.is_view %}
        {{ drop_relation_if_exists(existing_relation) }}
    {% endif %}
    {% call statement('main') -%}
        {{ replace_view_in_place(target_relation, sql) }}
    {%- endcall %}

    {% do persist_docs(target_relation, model) %}
    {{ run_hooks(post_hooks, inside_transaction=True) }}
    {{ adapter.commit() }}
    {{ run_hooks(post_hooks, inside_transaction=False) }}

    {{ return({'relations': [target_relation]}) }}
{% endmaterialization %}

{% macro replace_view_in_place(relation, query) -%}
    {%- if config.get('contract').enforced -%}
        {{ get_assert_columns_equivalent(query) }}
    {%- endif -%}
    do $nightjar_view$
    begin
        create or replace view {{ relation }} as (
            {{ query }}
        );
    exception when invalid_table_definition then
        drop view {{ relation }} cascade;
        create view {{ relation }} as (
            {{ query }}
        );
    end
    $nightjar_view$
{%- endmacro %}
