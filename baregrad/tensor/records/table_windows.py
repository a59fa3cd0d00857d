# ruff: noqa: E501 - one operation is one row
"""Records of windows: tensor/ops/convolution.py, pooling.py, resize.py. Read record.py first."""

from __future__ import annotations

from dataclasses import replace

from baregrad.tensor.records.record import NONE, Kind, Sample, array, call, op, refused

PRODUCT = Kind("int float")
ELEMENTS = Kind("bool int float")
MEANS = Kind("bool int float", "float")
FLOATS = Kind("float")

MATRIX = array(3, 5)
POINT = array()
ONE = array(1, 1)
LINES = array(2, 3, 7)
IMAGE = array(2, 2, 4, 5)
POSITIVE = array(2, 2, 4, 5, low=0.2, high=2.0)
GREATEST = "pooled(x, {n}, kernel_size, stride, padding, dilation, ceil_mode, 'max', indices=return_indices)"
MEAN = "pooled(x, {n}, kernel_size, stride, padding, 1, ceil_mode, 'mean', count_include_pad, {divisor})"
CONVOLVED = "conv(x, weight, bias, stride, padding, dilation, groups)"
SPREAD = "spread(x, weight, bias, stride, padding, output_padding, groups, dilation)"
T_MAX = "F.max_pool{n}d(x, kernel_size, stride, padding, dilation, ceil_mode, return_indices)"
T_MEAN = "F.avg_pool{n}d(x, kernel_size, stride, padding, ceil_mode, count_include_pad{divisor})"
OF_1, OF_2, OF_3 = "0-d: it has no axis", "0-d: it has no axes", "0-d: it has no axes"


def averaged(*samples: Sample) -> tuple[Sample, ...]:
    """Samples of floats, and the first one of integers."""
    others = replace(samples[0], smooth=False, dtypes="bool int", differs="int64 of int64, and no others")
    return (*(s.only("float") for s in samples), others)


def placed(*samples: Sample) -> tuple[Sample, ...]:
    """Samples, and the first one with places."""
    options = {**samples[0].options, "return_indices": True}
    return (*samples, replace(samples[0], options=options, gives="same int64"))


def greatest(*samples: Sample) -> tuple[Sample, ...]:
    """Samples of floats, the first one with places too, and of integers."""
    others = replace(samples[0], smooth=False, dtypes="bool int", differs="it takes floats only")
    return (*(s.only("float") for s in placed(*samples)), others)


# fmt: off
RECORDS = (
    op("conv1d", PRODUCT, CONVOLVED, call(array(2, 2, 7), array(3, 2, 3), array(3), stride=2, padding=1), call(array(1, 4, 6), array(2, 2, 2), dilation=2, groups=2), call(array(0, 1, 3), array(1, 1, 2)), call(array(1, 1, 1), array(1, 1, 1)), shapes="0-d: it has no channels", tolerance=4, torch="F.conv1d", tinygrad="conv2d", errors=(refused("cannot convolve", array(1, 2, 5), array(1, 3, 2)), refused("windows of", array(1, 2, 5), array(1, 2, 7)), refused("for 1 axes", array(1, 2, 5), array(1, 2, 2), stride=(1, 2)))),
    op("conv2d", PRODUCT, CONVOLVED, call(array(2, 2, 5, 4), array(3, 2, 3, 3), array(3), padding=1), call(array(2, 2, 5, 6), array(4, 1, 3, 2), array(4), stride=2, padding=(1, 0), groups=2), call(array(1, 1, 5, 5), array(2, 1, 2, 2), dilation=2), call(array(1, 1, 7, 7), array(1, 1, 2, 2), stride=(2, 3), padding=(1, 0), dilation=2), call(array(0, 1, 3, 3), array(1, 1, 2, 2)), call(array(1, 1, 1, 1), array(1, 1, 1, 1)), shapes="0-d: it has no channels", tolerance=4, torch="F.conv2d", errors=(refused("convolve", MATRIX, array(1, 1, 1, 1)), refused("convolve", array(1, 2, 4, 4), array(1, 3, 2, 2)), refused("windows", array(1, 1, 2, 2), array(1, 1, 3, 3)), refused("windows", array(1, 1, 2, 2), array(1, 1, 1, 1), stride=0))),
    op("conv3d", PRODUCT, CONVOLVED, call(array(1, 2, 3, 4, 3), array(2, 2, 2, 2, 2), array(2), padding=(1, 0, 1)), call(array(0, 1, 2, 2, 2), array(1, 1, 2, 1, 2)), call(array(1, 1, 1, 1, 1), array(1, 1, 1, 1, 1)), shapes="0-d: it has no channels", tolerance=4, torch="F.conv3d", tinygrad="conv2d", errors=(refused("cannot convolve", array(1, 2, 2, 2, 2), array(1, 3, 1, 1, 1)),)),
    op("conv_transpose1d", PRODUCT, SPREAD, call(array(2, 2, 4), array(2, 3, 3), array(3), stride=2, padding=1, output_padding=1), call(array(1, 1, 5), array(1, 1, 2), padding=2, dilation=2), call(array(1, 1, 1), array(1, 1, 1)), shapes="0-d and empty: as conv1d", tolerance=4, torch="F.conv_transpose1d(x, weight, bias, stride, padding, output_padding, groups, dilation)", tinygrad="conv_transpose2d", errors=(refused("transposed", array(1, 2, 5), array(3, 1, 2)),)),
    op("conv_transpose2d", PRODUCT, SPREAD, call(array(1, 4, 3, 2), array(4, 1, 2, 2), array(2), stride=2, groups=2), call(array(1, 1, 1, 1), array(1, 1, 1, 1)), shapes="0-d and empty: as conv2d", tolerance=4, torch="F.conv_transpose2d(x, weight, bias, stride, padding, output_padding, groups, dilation)", errors=(refused("transposed", array(1, 2, 5, 5), array(3, 1, 2, 2)),)),
    op("conv_transpose3d", PRODUCT, SPREAD, call(array(1, 1, 2, 2, 2), array(1, 1, 2, 2, 2), stride=(1, 2, 1)), call(array(1, 1, 1, 1, 1), array(1, 1, 1, 1, 1)), shapes="0-d and empty: as conv3d", tolerance=4, torch="F.conv_transpose3d(x, weight, bias, stride, padding, output_padding, groups, dilation)", tinygrad="conv_transpose2d", errors=(refused("transposed", array(1, 2, 2, 2, 2), array(3, 1, 1, 1, 1)),)),
    # -- pooling
    op("max_pool1d", ELEMENTS, GREATEST.format(n=1), greatest(call(LINES, 3, stride=2, padding=1), call(array(2, 6), 2), call(LINES, 2, 2, ceil_mode=True), call(LINES, 2, 1, dilation=3), call(array(0, 2, 4), 2), call(array(1, 1), 1)), shapes=OF_1, torch=T_MAX.format(n=1), tinygrad="max_pool2d", errors=(refused("windows", array(1, 2), 3), refused("pooling", POINT, 1))),
    op("max_pool2d", ELEMENTS, GREATEST.format(n=2), greatest(call(IMAGE, 2), call(array(1, 5, 5), 3, stride=2, padding=1), call(IMAGE, (3, 2), stride=1), call(IMAGE, 2, 3, 1, ceil_mode=True), call(IMAGE, 2, 1, dilation=2), call(array(0, 1, 2, 2), 2), call(array(1, 1, 1), 1)), shapes=OF_2, torch=T_MAX.format(n=2), errors=(refused("pooling", array(3), 2),)),
    op("max_pool3d", ELEMENTS, GREATEST.format(n=3), greatest(call(array(1, 1, 4, 2, 4), 2), call(array(0, 1, 2, 2, 2), 2), call(array(1, 1, 1, 1), 1)), shapes=OF_3, torch=T_MAX.format(n=3), tinygrad="max_pool2d", errors=(refused("pooling", array(2, 2), 2),)),
    op("avg_pool1d", MEANS, MEAN.format(n=1, divisor=None), averaged(call(LINES, 3, stride=2, padding=1), call(LINES, 2), call(LINES, 2, 2, ceil_mode=True), call(LINES, 3, 2, 1, count_include_pad=False), call(array(0, 2, 4), 2), call(array(1, 1), 1)), shapes=OF_1, torch=T_MEAN.format(n=1, divisor=""), tinygrad="avg_pool2d", errors=(refused("windows", array(1, 2), 3),)),
    op("avg_pool2d", MEANS, MEAN.format(n=2, divisor="divisor_override"), averaged(call(IMAGE, 2), call(array(1, 5, 5), 3, stride=2, padding=1), call(IMAGE, 3, 2, 1, ceil_mode=True), call(IMAGE, 2, divisor_override=3), call(array(0, 1, 2, 2), 2), call(array(1, 1, 1), 1)), shapes=OF_2, torch=T_MEAN.format(n=2, divisor=", divisor_override"), errors=(refused("pooling", array(3), 2),)),
    op("avg_pool3d", MEANS, MEAN.format(n=3, divisor="divisor_override"), averaged(call(array(1, 1, 3, 3, 3), 2, stride=1), call(array(0, 1, 2, 2, 2), 2), call(array(1, 1, 1, 1), 1)), shapes=OF_3, torch=T_MEAN.format(n=3, divisor=", divisor_override"), tinygrad="avg_pool2d", errors=(refused("pooling", array(2, 2), 2),)),
    op("lp_pool1d",  FLOATS, "pooled(x, 1, kernel_size, stride, 0, 1, ceil_mode, 'norm', power=norm_type)", call(array(2, 3, 7, low=0.2), 2, 3), call(array(2, 3, 7, low=0.2), 3, 2, 2), call(array(0, 2, 4), 2, 2), call(array(1, 1, low=0.2), 2, 1), shapes=OF_1, tolerance=4, torch="F.lp_pool1d(x, norm_type, kernel_size, stride, ceil_mode)", tinygrad=NONE, errors=(refused("windows", array(1, 2), 2, 3),)),
    op("lp_pool2d",  FLOATS, "pooled(x, 2, kernel_size, stride, 0, 1, ceil_mode, 'norm', power=norm_type)", call(POSITIVE, 2, 2), call(POSITIVE, 3, (3, 2), 1), call(array(0, 1, 2, 2), 2, 2), call(array(1, 1, 1, low=0.2), 2, 1), shapes=OF_2, tolerance=4, torch="F.lp_pool2d(x, norm_type, kernel_size, stride, ceil_mode)", tinygrad=NONE, errors=(refused("pooling", array(3), 2, 2),)),
    op("adaptive_avg_pool1d", MEANS, "adapted(x, 1, output_size, 'mean')", averaged(call(LINES, 3), call(LINES, 9), call(array(1, 1), 1)), shapes="0-d and empty: it has no elements", torch="F.adaptive_avg_pool1d(x, output_size)", tinygrad=NONE, errors=(refused("", LINES, -2),)),
    op("adaptive_avg_pool2d", MEANS, "adapted(x, 2, output_size, 'mean')", averaged(call(IMAGE, (3, 2)), call(IMAGE, 1), call(IMAGE, (None, 7)), call(array(1, 1, 1), 1)), shapes="0-d and empty: it has no elements", torch="F.adaptive_avg_pool2d(x, output_size)", tinygrad=NONE, errors=(refused("", IMAGE, (2, 2, 2)),)),
    op("adaptive_avg_pool3d", MEANS, "adapted(x, 3, output_size, 'mean')", averaged(call(array(1, 2, 3, 4, 5), (2, 3, 2)), call(array(1, 1, 1, 1), 1)), shapes="0-d and empty: it has no elements", torch="F.adaptive_avg_pool3d(x, output_size)", tinygrad=NONE),
    op("adaptive_max_pool1d", FLOATS, "adapted(x, 1, output_size, 'max', return_indices)", placed(call(LINES, 3), call(LINES, 9), call(array(1, 1), 1)), shapes="0-d and empty: it has no elements", torch="F.adaptive_max_pool1d(x, output_size, return_indices)", tinygrad=NONE, errors=(refused("", LINES, -2),)),
    op("adaptive_max_pool2d", FLOATS, "adapted(x, 2, output_size, 'max', return_indices)", placed(call(IMAGE, (3, 2)), call(IMAGE, 1), call(array(1, 1, 1), 1)), shapes="0-d and empty: it has no elements", torch="F.adaptive_max_pool2d(x, output_size, return_indices)", tinygrad=NONE, errors=(refused("", IMAGE, (2, 2, 2)),)),
    op("adaptive_max_pool3d", FLOATS, "adapted(x, 3, output_size, 'max', return_indices)", placed(call(array(1, 2, 3, 4, 5), (2, 3, 2)), call(array(1, 1, 1, 1), 1)), shapes="0-d and empty: it has no elements", torch="F.adaptive_max_pool3d(x, output_size, return_indices)", tinygrad=NONE),
    # -- resizing
    op("interpolate", ELEMENTS, "resized(x, size, scale_factor, mode, align_corners)", call(array(1, 2, 3, 4), (5, 3)), call(array(1, 1, 2, 3), scale_factor=2), call(array(1, 2, 7), 4, mode="nearest-exact"), call(array(1, 2, 5), 8, mode="linear").only("float"), call(IMAGE, (3, 8), mode="bilinear").only("float"), call(IMAGE, (3, 8), mode="bilinear", align_corners=True).only("float"), call(IMAGE, scale_factor=1.5, mode="bilinear").only("float"), call(IMAGE, (6, 4), mode="bicubic").only("float"), call(array(1, 1, 2, 3, 2), (3, 2, 4), mode="trilinear").only("float"), call(IMAGE, (3, 2), mode="area").only("float"), call(array(0, 1, 2), 3), call(array(1, 1, 1), 1), shapes="0-d: it has no channels", tolerance=4, torch="F.interpolate(x if x.is_floating_point() else x.double(), size, scale_factor, mode, align_corners).to(x.dtype)", errors=(refused("interpolate", array(1, 1, 2)), refused("", IMAGE, 2, mode="cubic"))),
    op("pad_mode",    ELEMENTS, "np.pad(x, [(0, 0)] * (x.ndim - len(amounts)) + list(amounts), {'reflect': 'reflect', 'replicate': 'edge', 'circular': 'wrap'}[mode])", call(IMAGE, [(1, 2), (3, 0)]), call(LINES, [(2, 3)], "replicate"), call(LINES, [(4, 1)], "circular"), call(array(1, 1), [(1, 0)], "replicate"), shapes="0-d and empty: it has no elements to repeat", torch="F.pad(x.double(), [n for pair in reversed(amounts) for n in pair], mode).to(x.dtype)", tinygrad="pad", errors=(refused("", LINES, [(7, 0)]), refused("", LINES, [(1, 0)], "mirror"))),
    op("im2col",      ELEMENTS, "columns(x, kernel_size, dilation, padding, stride)", call(IMAGE, 2), call(IMAGE, (3, 2), 1, (1, 0), 2), call(IMAGE, 2, dilation=2), call(array(1, 1, 1, 1), 1), call(array(0, 1, 2, 2), 2), shapes="0-d: it is no image", torch="F.unfold(x.double(), kernel_size, dilation, padding, stride).to(x.dtype)", tinygrad=NONE, errors=(refused("images", MATRIX, 2), refused("windows", IMAGE, 9))),
    op("col2im",      PRODUCT, "added_up(x, output_size, kernel_size, dilation, padding, stride)", call(array(2, 8, 12), (4, 5), 2), call(array(1, 12, 4), (4, 5), (3, 2), 1, (1, 0), (2, 3)), call(array(1, 1, 1), 1, 1), call(array(0, 4, 1), 2, 2), shapes="0-d: it is no image", tolerance=2, torch="F.fold(x, output_size, kernel_size, dilation, padding, stride)", tinygrad=NONE, errors=(refused("", array(2, 8, 11), (4, 5), 2),)),
)
# fmt: on
