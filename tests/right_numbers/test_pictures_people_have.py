"""Pictures as cameras, scanners and programs write them are read as they look, or refused in a sentence."""

import struct

import cv2
import numpy as np
import pytest
from PIL import ExifTags, Image
from PIL.PngImagePlugin import PngInfo

from prompting.errors import PromptingError
from prompting.pixels.images import read_image, upright_size


@pytest.fixture(scope="module")
def picture(photographs) -> np.ndarray:
    """(120, 160, 3) uint8."""
    return np.array(Image.open(photographs / "astronaut.png").convert("RGB").resize((160, 120)))


@pytest.fixture(scope="module")
def grey(picture) -> np.ndarray:
    return cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)


def as_grey(read: np.ndarray) -> np.ndarray:
    """The one channel of a grey picture."""
    assert (read == read[..., :1]).all()
    return read[..., 0]


# 16 bits a channel: stretched by the range that is used


@pytest.mark.parametrize("bits", [8, 10, 12, 14, 16])
@pytest.mark.parametrize("name", ["a.png", "a.tiff"])
def test_bits_in_a_file_of_sixteen_look_as_they_would_in_eight(picture, grey, tmp_path, bits, name):
    path = str(tmp_path / name)
    cv2.imwrite(path, grey.astype(np.uint16) << (bits - 8))
    assert np.array_equal(as_grey(read_image(path)), grey)
    cv2.imwrite(path, picture[..., ::-1].astype(np.uint16) << (bits - 8))
    assert np.array_equal(read_image(path), picture)


def test_sixteen_bits_with_transparency_look_as_without(picture, tmp_path):
    opaque = np.full((*picture.shape[:2], 1), 65535, np.uint16)
    cv2.imwrite(str(tmp_path / "a.png"), np.dstack([picture[..., ::-1].astype(np.uint16) << 4, opaque]))
    assert np.array_equal(read_image(str(tmp_path / "a.png")), picture)


def test_a_true_sixteen_bit_picture_keeps_its_upper_eight_bits_even_where_it_is_dark(grey, tmp_path):
    dark = grey.astype(np.uint16) * 100  # no sensor has 15 bits
    cv2.imwrite(str(tmp_path / "a.png"), dark)
    assert np.array_equal(as_grey(read_image(str(tmp_path / "a.png"))), dark >> 8)


def test_a_black_picture_stays_black(tmp_path):
    cv2.imwrite(str(tmp_path / "a.png"), np.zeros((5, 7), np.uint16))
    assert not read_image(str(tmp_path / "a.png")).any()


def tiff(pixels: np.ndarray, path, photometric: int, planar: int = 1) -> None:
    """A TIFF that no library here writes: (C, H, W) of 16 bits, a plane after the other; or (H, W)."""
    planes = pixels if pixels.ndim == 3 else pixels[None]
    (count, height, width), size = planes.shape, planes[0].nbytes
    entries = [
        (256, 4, [width]), (257, 4, [height]), (258, 3, [16] * count), (259, 3, [1]), (262, 3, [photometric]),
        (273, 4, [8 + i * size for i in range(count)]), (277, 3, [count]), (278, 4, [height]),
        (279, 4, [size] * count), (284, 3, [planar]),
    ]  # fmt: skip
    data, more, at = planes.astype("<u2").tobytes(), b"", 8 + planes.nbytes + 2 + 12 * len(entries) + 4
    directory = struct.pack("<H", len(entries))
    for tag, kind, values in entries:
        packed = struct.pack(f"<{len(values)}{'HI'[kind == 4]}", *values)
        if len(packed) > 4:
            packed, more = struct.pack("<I", at + len(more)), more + packed
        directory += struct.pack("<HHI", tag, kind, len(values)) + packed.ljust(4, b"\0")
    path.write_bytes(struct.pack("<2sHI", b"II", 42, 8 + len(data)) + data + directory + bytes(4) + more)


@pytest.mark.parametrize("bits", [10, 16])
def test_planes_of_sixteen_bits_one_after_the_other_are_put_together(picture, tmp_path, bits):
    tiff(np.moveaxis(picture, 2, 0).astype(np.uint16) << (bits - 8), tmp_path / "a.tiff", photometric=2, planar=2)
    assert np.array_equal(read_image(str(tmp_path / "a.tiff")), picture)


@pytest.mark.parametrize("bits", [12, 16])
def test_sixteen_bits_of_which_zero_is_white_are_turned_round(grey, tmp_path, bits):
    tiff((255 - grey).astype(np.uint16) << (bits - 8), tmp_path / "a.tiff", photometric=0)
    assert np.array_equal(as_grey(read_image(str(tmp_path / "a.tiff"))), grey)


def test_sixteen_bits_are_turned_upright_as_eight_are(picture, tmp_path):
    cv2.imwrite(str(tmp_path / "a.png"), picture[:, ::-1, ::-1].astype(np.uint16) << 8)
    data = (tmp_path / "a.png").read_bytes()
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 2
    Image.fromarray(picture).save(tmp_path / "b.png", exif=exif)
    other = (tmp_path / "b.png").read_bytes()
    at = other.index(b"eXIf") - 4
    block = other[at : at + 12 + struct.unpack(">I", other[at : at + 4])[0]]
    (tmp_path / "a.png").write_bytes(data[:33] + block + data[33:])
    assert np.array_equal(read_image(str(tmp_path / "a.png")), picture)


# a broken block of EXIF is no reason not to read a picture


@pytest.mark.parametrize("name", ["a.png", "a.webp", "a.jpg"])
@pytest.mark.parametrize("block", [b"Exif\0\0garbage!garbage!", b"Exif\0\0II*\0\xff\xff\xff\x7f", b"Exif\0\0"])
def test_a_picture_with_a_broken_block_of_exif_is_read_and_the_block_ignored(picture, tmp_path, name, block):
    exact = {"lossless": True} if name == "a.webp" else {"quality": 100, "subsampling": 0} if name == "a.jpg" else {}
    Image.fromarray(picture).save(tmp_path / name, exif=block, **exact)
    read, theirs = read_image(str(tmp_path / name)), cv2.imread(str(tmp_path / name))[..., ::-1]
    assert np.abs(read.astype(int) - theirs).max() <= 3  # two decoders of JPEG


@pytest.mark.parametrize("orientation", [1, 3, 6, 9, 77])
def test_a_sound_block_still_turns_the_picture_and_an_orientation_that_there_is_not_turns_nothing(
    picture, tmp_path, orientation
):
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    Image.fromarray(picture).save(tmp_path / "a.png", exif=exif)
    turned = {3: picture[::-1, ::-1], 6: np.rot90(picture, -1)}.get(orientation, picture)
    assert np.array_equal(read_image(str(tmp_path / "a.png")), turned)


def test_a_broken_block_of_exif_leaves_a_picture_its_size(picture, tmp_path):
    for name in ("a.png", "a.webp", "a.jpg"):
        Image.fromarray(picture).save(tmp_path / name, exif=b"Exif\0\0garbage!garbage!")
        assert upright_size(str(tmp_path / name)) == (120, 160)


XMP = (
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    b'<rdf:Description xmlns:tiff="http://ns.adobe.com/tiff/1.0/" tiff:Orientation="6"/></rdf:RDF></x:xmpmeta>'
)


@pytest.mark.parametrize("name", ["a.jpg", "a.webp", "a.png"])
def test_an_orientation_that_only_xmp_has_turns_nothing(picture, tmp_path, name):
    """Browsers and OpenCV, and so the App and FiftyOne, draw such a picture as it is stored; Pillow turns it."""
    how = {"xmp": XMP}
    if name == "a.png":
        how = {"pnginfo": PngInfo()}
        how["pnginfo"].add_itxt("XML:com.adobe.xmp", XMP.decode())
    Image.fromarray(picture).save(tmp_path / name, **how)
    with Image.open(tmp_path / name) as stored:
        assert stored.getexif()[ExifTags.Base.Orientation] == 6
    assert read_image(str(tmp_path / name)).shape == cv2.imread(str(tmp_path / name)).shape == (120, 160, 3)
    assert upright_size(str(tmp_path / name)) == (120, 160)


# what Pillow and OpenCV both read is the same


def cmyk(picture, path):
    Image.fromarray(picture).convert("CMYK").save(path, quality=100)


def grey_and_transparent(picture, path):
    Image.fromarray(picture).convert("LA").save(path)


def transparent(picture, path):
    Image.fromarray(np.dstack([picture, np.zeros(picture.shape[:2], np.uint8)])).save(path)


def palette(picture, path):
    Image.fromarray(picture).convert("P", palette=Image.Palette.ADAPTIVE).save(path)


def palette_with_a_hole(picture, path):
    Image.fromarray(picture).convert("P", palette=Image.Palette.ADAPTIVE).save(path, transparency=3)


def one_bit(picture, path):
    Image.fromarray(picture).convert("1").save(path)


def two_views(picture, path):
    frames = [Image.fromarray(picture), Image.fromarray(picture[::-1])]
    frames[0].save(path, format="MPO", save_all=True, append_images=frames[1:], quality=100)


def inverted(picture, path):
    Image.fromarray(255 - picture).convert("L").save(path, tiffinfo={262: 0})


def animated(picture, path):
    frames = [Image.fromarray(picture), Image.new("RGB", picture.shape[1::-1], "red")]
    frames[0].save(path, save_all=True, append_images=frames[1:], duration=100)


@pytest.mark.parametrize(
    ("write", "name"),
    [
        (cmyk, "a.jpg"), (grey_and_transparent, "a.png"), (transparent, "a.png"), (palette, "a.png"),
        (palette_with_a_hole, "a.png"), (one_bit, "a.png"), (one_bit, "a.tiff"), (two_views, "a.jpg"),
        (inverted, "a.tiff"), (animated, "a.gif"), (animated, "a.png"), (animated, "a.webp"),
    ],
)  # fmt: skip
def test_picture_is_read_as_opencv_reads_it(picture, tmp_path, write, name):
    write(picture, tmp_path / name)
    theirs = cv2.imread(str(tmp_path / name), cv2.IMREAD_COLOR)[..., ::-1].astype(int)
    assert np.abs(read_image(str(tmp_path / name)) - theirs).mean() < 2.5  # CMYK has no one way to RGB


# what can't be read says what it is


def test_heic_is_called_heic(tmp_path):
    (tmp_path / "a.heic").write_bytes(struct.pack(">I", 24) + b"ftypheic" + bytes(200))
    with pytest.raises(PromptingError, match=r"it is a HEIC, .* convert it to a JPEG or PNG; check the file .*a\.heic"):
        read_image(str(tmp_path / "a.heic"))


@pytest.mark.parametrize("kind", [np.float32, np.int32])
def test_numbers_that_are_no_colours_are_refused(grey, tmp_path, kind):
    Image.fromarray(grey.astype(kind)).save(tmp_path / "a.tiff")
    with pytest.raises(PromptingError, match="numbers of 32 bits are no colours"):
        read_image(str(tmp_path / "a.tiff"))


@pytest.mark.parametrize("name", ["a.jpg", "a.png", "deep.png"])
def test_half_a_file_is_refused(picture, tmp_path, name):
    depth = 8 if name == "deep.png" else 0
    cv2.imwrite(str(tmp_path / name), picture.astype(np.uint16 if depth else np.uint8) << depth)
    data = (tmp_path / name).read_bytes()
    (tmp_path / name).write_bytes(data[: len(data) // 2])
    with pytest.raises(PromptingError, match="can't be read"):
        read_image(str(tmp_path / name))
