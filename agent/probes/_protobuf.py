"""Protocol Buffers, as much of the encoding as a probe reads and writes (protobuf.dev, "Encoding")."""

from collections.abc import Iterator

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5


def string_field(number: int, text: str) -> bytes:
    """A string field; empty when the text is, as proto3 leaves out defaults. `number` is below 16."""
    value = text.encode()
    return bytes((number << 3 | _BYTES,)) + _varint(len(value)) + value if value else b""


def fields(message: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Number and value of each field, varints as int and all else as bytes. Raises ValueError for what is none."""
    position = 0
    while position < len(message):
        key, position = _read_varint(message, position)
        number, wire = key >> 3, key & 7
        if wire == _VARINT:
            value, position = _read_varint(message, position)
            yield number, value
            continue
        if wire == _BYTES:
            size, position = _read_varint(message, position)
        elif wire in (_FIXED64, _FIXED32):
            size = 8 if wire == _FIXED64 else 4
        else:
            raise ValueError(f"wire type {wire}")
        end = position + size
        if end > len(message):
            raise ValueError("a field is longer than its message")
        yield number, message[position:end]
        position = end


def _varint(value: int) -> bytes:
    encoded = bytearray()
    while value > 0x7F:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)


def _read_varint(message: bytes, position: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        if position >= len(message):
            raise ValueError("a number is cut short")
        byte = message[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, position
    raise ValueError("a number is longer than 64 bits")
