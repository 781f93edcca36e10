"""`nightjar embed`: vectors of items by a pre-trained model, as rows of `raw.item_vectors`."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from ml.data.encoders import ImageEncoder, TextEncoder, require_image_model
from nightjar.cli.import_run import run_import
from nightjar.contract.errors import BadInput
from nightjar.contract.progress import StageProgress
from nightjar.importers.embed_items import embed_items
from nightjar.importers.encoder import Encoder, EncoderInput
from nightjar.importers.item_images import read_item_images
from nightjar.importers.item_texts import read_item_texts
from nightjar.importers.loading import ImportCount
from nightjar.importers.vector_kinds import check_kind
from nightjar.publishing.text_model_check import require_sentence_model
from nightjar.warehouse.protocol import Warehouse

app = typer.Typer(
    help="Encode what is new or changed of items' texts and images; nothing is downloaded.", no_args_is_help=True
)


@app.command()
def text(
    model: Annotated[
        Path, typer.Option(metavar="FOLDER", readable=False, help="Folder of a sentence-transformers model.")
    ],
    kind: Annotated[str, typer.Option(help="Kind of the vectors; a kind for each model.")] = "text",
) -> None:
    """Encode the items' texts: the title, and the features of the kind description.

    Items whose text and model are those of their vector are left out. What is encoded is written once a minute. A
    vector stays where an item has no text any more. Needs the extra `text`.
    """
    check_kind(kind)
    require_sentence_model(str(model), "--model", option="--model")

    def embed(warehouse: Warehouse) -> list[ImportCount]:
        inputs = read_item_texts(warehouse, model.resolve().name)
        if not inputs:
            raise BadInput(
                "no item has a text: expected titles in raw.items, or features `description:...` in raw.item_features",
                code="no_rows",
                table="raw.items",
            )
        return _embedded(warehouse, kind, inputs, TextEncoder(str(model)), StageProgress("embed text"))

    run_import(embed, [model])


@app.command()
def images(
    model: Annotated[
        Path,
        typer.Option(
            metavar="FOLDER", readable=False, help="Folder of an image model: ONNX, timm or sentence-transformers."
        ),
    ],
    images: Annotated[
        Path, typer.Option(metavar="DIR", readable=False, help="Folder of files named ITEM_ID.jpg, .png or .webp.")
    ],
    kind: Annotated[str, typer.Option(help="Kind of the vectors; a kind for each model.")] = "image",
) -> None:
    """Encode images of items, one file an item: 12.jpg, 12.jpeg, 12.png or 12.webp is that of the item 12.

    What no file name can hold, and % before two hex digits, is percent-encoded: a%2Fb.jpg is that of a/b. Items whose
    file and model are those of their vector are left out; what is encoded is written once a minute. Files that cannot
    be read go to raw.rejected_rows with the reason. A vector stays where an item has no image any more. Needs the extra
    `images`.
    """
    check_kind(kind)
    require_image_model(model)

    def embed(warehouse: Warehouse) -> list[ImportCount]:
        progress = StageProgress("embed images")
        inputs, rejected = read_item_images(images, progress=progress, note=lambda line: typer.echo(f"note: {line}"))
        return _embedded(warehouse, kind, inputs, ImageEncoder(str(model)), progress, rejected)

    run_import(embed, [model, images])


def _embedded(
    warehouse: Warehouse,
    kind: str,
    inputs: Sequence[EncoderInput],
    encoder: Encoder,
    progress: StageProgress,
    rejected: Sequence[tuple[EncoderInput, str]] = (),
) -> list[ImportCount]:
    return embed_items(
        warehouse,
        kind,
        inputs,
        encoder,
        datetime.now(UTC),
        rejected=rejected,
        progress=progress,
        warn=lambda line: typer.echo(f"warning: {line}"),
    )
