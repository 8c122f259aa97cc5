"""Arrow IPC, file or stream -> the rows that JSON would give, checked before they are used."""

from collections.abc import Iterator
from typing import Any

import pyarrow as pa

from service.errors import Invalid, TooLarge, UnsupportedFile
from service.reading.json_lines import Row
from service.reading.parquet import checked, refuse_repeated

ARROW_ROWS = 128  # that are decoded together


def arrow_rows(file: Any, limit: int, on_nul: str, *, stream: bool) -> Iterator[Row]:
    """The rows, a few at a time; decoded bytes are limited."""
    left, line = limit, 0
    try:
        for batch in batches(file, stream=stream):
            batch.validate(full=True)
            for at in range(0, batch.num_rows, ARROW_ROWS):
                rows = spelt_out(batch.slice(at, ARROW_ROWS))
                left -= rows.nbytes
                if left < 0:
                    detail = "the file decodes to far more than its size"
                    raise TooLarge(detail, code="decoded_too_large")
                for value in rows.to_pylist():
                    line += 1
                    yield Row(line, *checked(value, on_nul))
    except MemoryError:  # a compressed buffer tells its size only as it is decompressed
        raise TooLarge("the file takes too much memory", code="decoded_too_large") from None
    except (pa.ArrowException, OSError, ValueError, OverflowError) as error:
        detail = f"the Arrow file can't be read: {str(error)[:300]}"
        raise Invalid(detail, code="unreadable_file", line=line + 1) from None


def batches(file: Any, *, stream: bool) -> Iterator[Any]:
    if stream:
        found = pa.ipc.open_stream(file)
        refuse_repeated(found.schema)
        yield from found
        return
    table = pa.ipc.open_file(file)
    refuse_repeated(table.schema)
    for index in range(table.num_record_batches):
        yield table.get_batch(index)


def spelt_out(batch: Any) -> Any:
    """The batch without dictionaries and views, whose buffers do not tell what they stand for."""
    fields = [field.with_type(plain_type(field.type)) for field in batch.schema]
    schema = pa.schema(fields)
    return batch if schema == batch.schema else batch.cast(schema)


def plain_type(kind: Any) -> Any:
    types = pa.types
    if types.is_dictionary(kind):
        return plain_type(kind.value_type)
    if types.is_string_view(kind):
        return pa.large_string()
    if types.is_binary_view(kind):
        return pa.large_binary()
    if types.is_large_list(kind):
        return pa.large_list(kind.value_field.with_type(plain_type(kind.value_type)))
    if types.is_list(kind):
        return pa.list_(kind.value_field.with_type(plain_type(kind.value_type)))
    if types.is_fixed_size_list(kind):
        field = kind.value_field.with_type(plain_type(kind.value_type))
        return pa.list_(field, kind.list_size)
    if types.is_struct(kind):
        return pa.struct([field.with_type(plain_type(field.type)) for field in kind])
    if types.is_map(kind):
        return pa.map_(plain_type(kind.key_type), plain_type(kind.item_type))
    if any(
        is_kind(kind)
        for is_kind in (types.is_list_view, types.is_large_list_view, types.is_run_end_encoded)
    ):
        raise UnsupportedFile(f"columns of type {str(kind)[:100]} are not read: use plain lists")
    return kind
