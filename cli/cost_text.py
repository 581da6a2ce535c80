"""Bills and price lists as tables and as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from weaksup.cli import render
from weaksup.errors import UsageError
from weaksup.llm.pricing.cost import Bill, Line, ModelStage, PeopleStage, Stage
from weaksup.llm.pricing.price_list import Pipeline, PriceList

__all__ = ["dollars", "show_bill", "show_list", "show_scenarios"]

_CENT = Decimal("0.01")


def dollars(value: Decimal | None) -> str:
    """Show dollars to the cent, half a cent up; below a cent with four digits that count."""
    if value is None:
        return "-"
    return _all_digits(value.quantize(_CENT, ROUND_HALF_UP)) if value >= _CENT else _each(value)


def show_bill(found: Bill, *, as_json: bool) -> None:
    """Show one bill, stage by stage."""
    if as_json:
        render.emit_json(found)
        return
    _table(f"{_number(found.items)} items", found)
    _totals(found)
    for line in found.lines:
        if isinstance(line.stage, ModelStage):
            render.line(f"{line.stage.model}: {_price(line.stage)}, from {line.stage.price.source}")


def show_scenarios(listed: PriceList, name: str, *, as_json: bool) -> None:
    """Show the pipelines of a price list step by step, one of them or all."""
    chosen = [(pipeline, found) for pipeline, found in listed.bills() if name in ("all", pipeline.name)]
    if not chosen:
        names = ", ".join([*(pipeline.name for pipeline in listed.pipelines), "all"])
        raise UsageError(f'--scenario: expected one of {names}, got "{name}"')
    if as_json:
        shown = [_pipeline_json(*one) for one in chosen]
        render.emit_json({**_about(listed), "pipelines": shown} if name == "all" else shown[0])
        return
    for pipeline, found in chosen:
        _table(f"{pipeline.title}: {_number(found.items)} items", found)
        _totals(found)
        _tell_difference(pipeline, found)


def show_list(
    listed: PriceList, bills: Sequence[Bill], pipelines: Sequence[tuple[Pipeline, Bill]], *, as_json: bool
) -> None:
    """Show the models of a price list at the same tokens an item, and what its pipelines cost."""
    if as_json:
        models = [_model_json(listed, found) for found in bills]
        shown = [_pipeline_json(*one) for one in pipelines]
        render.emit_json({**_about(listed), "models": models, "pipelines": shown})
        return
    _show_models(listed, bills)
    if pipelines:
        columns = ["name", "pipeline", "items", "stages", "cost", "per 1M items", "its source prints"]
        rows = [_pipeline_row(listed, *one) for one in pipelines]
        render.table("Pipelines (--scenario NAME shows the steps)", columns, rows)
    for pipeline, found in pipelines:
        _tell_difference(pipeline, found)
    render.line(f"Prices and pipelines: {listed.source}; every cost here is computed")


def _show_models(listed: PriceList, bills: Sequence[Bill]) -> None:
    columns = ["model", "input / output", "context", "per 10k items", "per 1M items"]
    items = bills[0].items if bills else Decimal(0)
    asked = items not in (0, 10_000, 1_000_000)
    rows = []
    for found in bills:
        stage = found.lines[0].stage
        model = listed.models[stage.model]
        cells = [model.name, _price(stage), model.context, dollars(found.per(10_000)), dollars(found.per(1_000_000))]
        rows.append([*cells, dollars(found.usd)] if asked else cells)
    tokens = _tokens(bills[0].lines[0].stage) if bills else "no models"
    title = f"Price list {listed.name}: tokens an item {tokens}; prices in dollars per 1M tokens"
    render.table(title, [*columns, f"{_number(items)} items"] if asked else columns, rows)


def _pipeline_row(listed: PriceList, pipeline: Pipeline, found: Bill) -> list[Any]:
    names = []
    for line in found.lines:
        model = listed.models.get(line.stage.model)
        name = model.name if model else line.stage.model
        names.append(name if line.stage.share == 1 else f"{name} on {_share(line.stage)}")
    cost = [dollars(found.usd), dollars(found.per(1_000_000))]
    printed = None if pipeline.printed is None else f"${pipeline.printed:,}"
    return [pipeline.name, pipeline.title, _number(found.items), ", ".join(names), *cost, printed]


def _tell_difference(pipeline: Pipeline, found: Bill) -> None:
    if not pipeline.agrees(found.usd):
        told = f"its parts add up to {dollars(found.usd)}, not ${pipeline.printed:,}, which its source prints"
        render.line(f"{pipeline.title}: {told}")


def _table(title: str, found: Bill) -> None:
    columns = ["stage", "share", "items", "tokens in / out", "input", "output", "an item", "cost"]
    render.table(title, columns, [_row(line) for line in found.lines])


def _row(line: Line) -> list[str]:
    stage = line.stage
    parts = [dollars(part) for part in line.parts] if line.parts else ["-", "-"]
    cells = [stage.model, _share(stage), _number(line.items), _tokens(stage), *parts]
    return [*cells, _each(line.per_item), dollars(line.usd)]


def _totals(found: Bill) -> None:
    per = f"{_each(found.per(1))} an item, {dollars(found.per(10_000))} per 10k, {dollars(found.per(1_000_000))} per 1M"
    render.line(f"Total: {dollars(found.usd)}  ({per})")
    for line in found.lines:
        if isinstance(line.stage, PeopleStage):
            hours = line.stage.hours(line.items).quantize(_CENT, ROUND_HALF_UP)
            render.line(
                f"people: {hours:,} hours at {dollars(line.stage.hourly)}, {_number(line.stage.per_hour)} an hour"
            )


def _about(listed: PriceList) -> dict[str, Any]:
    return {"prices": {"name": listed.name, "source": listed.source, "date": listed.date}}


def _model_json(listed: PriceList, found: Bill) -> dict[str, Any]:
    model = listed.models[found.lines[0].stage.model]
    return {"name": model.name, "context": model.context, **found.lines[0].stage.to_json(), **_sums(found)}


def _sums(found: Bill) -> dict[str, Any]:
    return {key: value for key, value in found.to_json().items() if key != "stages"}


def _pipeline_json(pipeline: Pipeline, found: Bill) -> dict[str, Any]:
    printed = None if pipeline.printed is None else float(pipeline.printed)
    about = {"name": pipeline.name, "title": pipeline.title, "printed_usd": printed}
    return {**about, "agrees": pipeline.agrees(found.usd), **found.to_json()}


def _price(stage: Stage) -> str:
    """Show a model's prices, with the discount that it has."""
    if isinstance(stage, PeopleStage):
        return "-"
    price = stage.price
    off = f", {_percent(stage.batch_discount)} off" if stage.batch_discount else ""
    return f"{_all_digits(price.input)} / {_all_digits(price.output)}{off}"


def _each(value: Decimal | None) -> str:
    """Show the dollars for one item: four digits that count, and cents at least."""
    if value is None:
        return "-"
    return _all_digits(value.quantize(Decimal(1).scaleb(min(-2, value.adjusted() - 3)), ROUND_HALF_UP))


def _all_digits(value: Decimal) -> str:
    """Show dollars with the digits that they have, cents at least."""
    places = max(2, -int(value.normalize().as_tuple().exponent))
    return f"${value:,.{places}f}"


def _tokens(stage: Stage) -> str:
    if isinstance(stage, PeopleStage):
        return "-"
    return f"{_number(stage.input_tokens)} / {_number(stage.output_tokens)}"


def _share(stage: Stage) -> str:
    return _percent(stage.share)


def _percent(share: Decimal) -> str:
    return f"{_number(share * 100)}%"


def _number(value: Decimal) -> str:
    """Show a number with all its digits and no more."""
    return f"{value.normalize():,f}"
