"""The page about every table and column, as Airflow's API server shows it; used by the plugin.

It needs no login: it holds names, types, meanings and SQL, and no row of any table.
"""

from fastapi import FastAPI, HTTPException
from fastapi.responses import FileResponse

from nightjar.contract.settings import load_settings
from nightjar.warehouse.dbt_runner import tables_page

tables_app = FastAPI(title="Nightjar's tables", openapi_url=None)


@tables_app.get("/", response_class=FileResponse)
def page() -> FileResponse:
    """Return the page."""
    path = tables_page(load_settings())
    if not path.exists():
        raise HTTPException(404, "the page is not written yet: nightjar docs")
    return FileResponse(path, media_type="text/html")
