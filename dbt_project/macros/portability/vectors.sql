{# Number of elements of an array. #}
{% macro vector_dim(vector) -%}
    {{ return(adapter.dispatch('vector_dim')(vector)) }}
{%- endmacro %}

{% macro duckdb__vector_dim(vector) -%}
    len({{ vector }})
{%- endmacro %}

{% macro postgres__vector_dim(vector) -%}
    cardinality({{ vector }})
{%- endmacro %}

{# Number of elements of an array that are null, NaN or infinite. #}
{% macro vector_faults(vector) -%}
    {{ return(adapter.dispatch('vector_faults')(vector)) }}
{%- endmacro %}

{% macro duckdb__vector_faults(vector) -%}
    len(list_filter({{ vector }}, lambda element: element is null or not isfinite(element)))
{%- endmacro %}

{% macro postgres__vector_faults(vector) -%}
    (
        select count(*) from unnest({{ vector }}) as elements (element)
        where element is null or not ({{ is_finite_number('element') }})
    )
{%- endmacro %}

{# Number of elements of an array that are not 0. #}
{% macro vector_nonzeros(vector) -%}
    {{ return(adapter.dispatch('vector_nonzeros')(vector)) }}
{%- endmacro %}

{% macro duckdb__vector_nonzeros(vector) -%}
    len(list_filter({{ vector }}, lambda element: element <> 0))
{%- endmacro %}

{% macro postgres__vector_nonzeros(vector) -%}
    (
        select count(*) from unnest({{ vector }}) as elements (element)
        where element <> 0
    )
{%- endmacro %}
