#!/usr/bin/env python3
"""Writes golden cases for transposed convolution and its neighbours.

    python make_goldens.py --seed 20260 --out .

Every value is taken from a framework (torch float64, TensorFlow float64 or ONNX
Runtime float32) and compared with the small numpy float64 reference of this file;
the stored expected output is float64.  README.md describes the format.
"""
import argparse, itertools, json, math, os, re, struct, sys, warnings
os.environ.update(CUDA_VISIBLE_DEVICES="", TF_CPP_MIN_LOG_LEVEL="3",
                  TF_ENABLE_ONEDNN_OPTS="1", KERAS_BACKEND="tensorflow")
warnings.filterwarnings("ignore")
import numpy as np

DT = {"float32": "F32", "float64": "F64", "int64": "I64", "int32": "I32"}


class Pack:
    """One safetensors file."""

    def __init__(self, name):
        self.name, self.t = name, {}

    def put(self, key, a):
        assert key not in self.t, key
        self.t[key] = np.ascontiguousarray(a)

    def save(self, folder):
        head, off, blobs = {}, 0, []
        # wide types first keeps every tensor aligned to its own size
        for k in sorted(self.t, key=lambda k: (-self.t[k].dtype.itemsize, k)):
            a = self.t[k]
            b = a.astype(a.dtype.newbyteorder("<")).tobytes()
            head[k] = {"dtype": DT[str(a.dtype)], "shape": list(a.shape),
                       "data_offsets": [off, off + len(b)]}
            off += len(b)
            blobs.append(b)
        h = json.dumps(head, separators=(",", ":")).encode()
        h += b" " * (-len(h) % 8)
        with open(os.path.join(folder, self.name), "wb") as f:
            f.write(struct.pack("<Q", len(h)) + h + b"".join(blobs))


class Book:
    def __init__(self, seed):
        self.rng = np.random.default_rng(seed)
        self.cases, self.packs, self.n, self.notes = [], {}, {}, []
        self.worst = {}

    def new_id(self, prefix):
        self.n[prefix] = self.n.get(prefix, 0) + 1
        return f"{prefix}_{self.n[prefix]:04d}"

    def ok(self, prefix, file, op, dialect, attrs, inputs, outputs, **more):
        cid = self.new_id(prefix)
        p = self.packs.setdefault(file, Pack(file))
        rec = {"id": cid, "op": op, "dialect": dialect, "expect": "ok", "attrs": attrs,
               "file": file, "inputs": {}, "outputs": {}}
        for side, d in (("inputs", inputs), ("outputs", outputs)):
            for k, a in d.items():
                if a is None:
                    continue
                p.put(f"{cid}/{k}", a)
                rec[side][k] = f"{cid}/{k}"
        rec.update(more)
        self.cases.append(rec)
        return rec

    def bad(self, op, dialect, rule, attrs, shapes, err, **more):
        self.cases.append({"id": self.new_id("err_" + dialect), "op": op, "dialect": dialect,
                           "expect": "error", "rule": rule, "attrs": attrs, "shapes": shapes,
                           "rejected_by": err, **more})

    def diff(self, who, d):
        self.worst[who] = max(self.worst.get(who, 0.0), float(d))


def clean(m):
    m = re.sub(r"\x1b\[[0-9;]*m|\{\{[^{}]*\}\}", "", str(m))
    m = re.sub(r"\s+", " ", m).replace("Exception encountered when calling ", "").strip()
    m = re.sub(r"\[ONNXRuntimeError\] : \d+ : \w+ : (Non-zero status code returned while running \w+ node\. Name:'' Status Message: )?", "", m)
    m = re.sub(r"(/[\w.+-]+){2,}", "<path>", m)
    return m[:240]


def attempt(fn):
    try:
        return fn(), None
    except Exception as e:  # noqa: BLE001
        return None, {"type": type(e).__name__, "message": clean(e)}


def f32(rng, *shape):
    return rng.uniform(-1, 1, size=shape).astype(np.float32)


def pick(rng, seq):
    return seq[int(rng.integers(len(seq)))]


# ------------------------------------------------------------------ reference
def full_size(I, k, s, d):
    return (I - 1) * s + (k - 1) * d + 1


def ct_ref(x, w, b, s, d, g, begin, out):
    """x [N,Ci,*I], w [Ci,Co/g,*K] (float64); begin: where the kept window starts in
    the uncropped result; out: its size. Outside the uncropped result lie zeros."""
    x, w = x.astype(np.float64), w.astype(np.float64)
    N, Ci = x.shape[:2]
    I, K = x.shape[2:], w.shape[2:]
    nd, cg, mg = len(I), Ci // g, w.shape[1]
    full = [full_size(*t) for t in zip(I, K, s, d)]
    y = np.zeros((N, g * mg, *full))
    for o in itertools.product(*[range(k) for k in K]):
        sl = tuple(slice(o[i] * d[i], o[i] * d[i] + (I[i] - 1) * s[i] + 1, s[i]) for i in range(nd))
        for q in range(g):
            t = np.tensordot(x[:, q * cg:(q + 1) * cg], w[(slice(q * cg, (q + 1) * cg), slice(None)) + o],
                             axes=([1], [0]))
            y[(slice(None), slice(q * mg, (q + 1) * mg)) + sl] += np.moveaxis(t, -1, 1)
    r = np.zeros((N, g * mg, *out))
    dst, src = [slice(None)] * 2, [slice(None)] * 2
    for i in range(nd):
        lo, hi = max(0, -begin[i]), min(out[i], full[i] - begin[i])
        if hi <= lo:
            lo = hi = 0
        dst.append(slice(lo, hi))
        src.append(slice(lo + begin[i], hi + begin[i]))
    r[tuple(dst)] = y[tuple(src)]
    if b is not None:
        r += b.astype(np.float64).reshape((1, -1) + (1,) * nd)
    return r


def ct_abs(x, w, b, *a):
    return ct_ref(np.abs(x), np.abs(w), None if b is None else np.abs(b), *a).astype(np.float32)


def cl(a):  # NC* -> N*C
    return np.moveaxis(a, 1, -1)


def cf(a):  # N*C -> NC*
    return np.moveaxis(a, -1, 1)


def close(a, b, tol):
    assert a.shape == b.shape, (a.shape, b.shape)
    e = float(np.max(np.abs(a - b))) if a.size else 0.0
    assert e <= tol, e
    return e


# ---------------------------------------------------------------------- torch
def draw(rng, nd, big=False):
    """Random layer and input, small enough; returns None when it does not fit."""
    kmax = {1: 16, 2: 9, 3: 4}[nd]
    s = [int(rng.integers(1, 9)) if rng.random() < .5 else int(rng.integers(1, 4)) for _ in range(nd)]
    k = [int(rng.integers(1, kmax + 1)) for _ in range(nd)]
    if nd == 2 and big:
        k = [int(rng.integers(8, 17)), int(rng.integers(1, 17))]
    d = [1 if rng.random() < .6 else int(rng.integers(2, 4)) for _ in range(nd)]
    I = [int(rng.integers(1, {1: 12, 2: 7, 3: 5}[nd])) for _ in range(nd)]
    N = pick(rng, [1, 1, 1, 3, 2])
    ci, co, g = pick(rng, [(1, 1, 1), (1, 3, 1), (3, 1, 1), (3, 3, 1), (3, 3, 3), (4, 6, 2), (17, 3, 1),
                           (3, 17, 1), (17, 17, 17), (6, 9, 3), (1, 17, 1), (17, 1, 1), (2, 4, 2), (8, 8, 1)])
    return dict(nd=nd, s=s, k=k, d=d, I=I, N=N, ci=ci, co=co, g=g, bias=bool(rng.random() < .5))


def nbytes(p, out):
    e = p["N"] * p["ci"] * math.prod(p["I"]) + p["ci"] * p["co"] // p["g"] * math.prod(p["k"])
    return 4 * e + 12 * p["N"] * p["co"] * math.prod(out)


def torch_out(p):
    return [full_size(I, k, s, d) - 2 * q + o for I, k, s, d, q, o in
            zip(p["I"], p["k"], p["s"], p["d"], p["pad"], p["op"])]


def tensors(rng, p):
    x = f32(rng, p["N"], p["ci"], *p["I"])
    w = f32(rng, p["ci"], p["co"] // p["g"], *p["k"])
    b = f32(rng, p["co"]) if p["bias"] else None
    return x, w, b


def tattrs(p):
    return {"dims": p["nd"], "stride": p["s"], "padding": p["pad"], "output_padding": p["op"],
            "dilation": p["d"], "groups": p["g"]}


def torch_forward(B, p, extra=None, prefix=None, kind="conv_transpose", more=None):
    import torch
    import torch.nn.functional as F
    fn = [None, F.conv_transpose1d, F.conv_transpose2d, F.conv_transpose3d][p["nd"]]
    x, w, b = tensors(B.rng, p)
    t = lambda a: None if a is None else torch.from_numpy(a)
    D = lambda a: None if a is None else torch.from_numpy(a).double()
    kw = dict(stride=p["s"], padding=p["pad"], output_padding=p["op"], groups=p["g"], dilation=p["d"])
    y = fn(D(x), D(w), D(b), **kw).numpy()
    out = torch_out(p)
    assert list(y.shape) == [p["N"], p["co"], *out], (y.shape, out)
    a = (p["s"], p["d"], p["g"], p["pad"], out)
    B.diff("torch_f64", close(y, ct_ref(x, w, b, *a), 1e-10))
    y32 = fn(t(x), t(w), t(b), **kw).numpy()
    B.diff("torch_f32", close(y32, y, 1e-3))
    ya = ct_abs(x, w, b, *a)
    if y.size:
        B.diff("torch_f32_over_(1+terms)", float((np.abs(y32 - y) / (1 + ya)).max()))
    at = tattrs(p)
    at.update(extra or {})
    return B.ok(prefix or f"torch{p['nd']}d", "torch.safetensors", kind, "torch", at,
                {"x": x, "w": w, "b": b}, {"y": y, "y_abs": ya}, **(more or {}))


def legalise(rng, p, cap):
    p["pad"], p["op"] = [], []
    for I, k, s, d in zip(p["I"], p["k"], p["s"], p["d"]):
        f = full_size(I, k, s, d)
        p["op"].append(int(rng.integers(0, max(s, d))) if rng.random() < .45 else 0)
        p["pad"].append(int(rng.integers(0, max(1, min((f - 1) // 2, (k - 1) * d + 2)) + 1)) if rng.random() < .6 else 0)
    out = torch_out(p)
    return all(o > 0 for o in out) and nbytes(p, out) <= cap


def sample(rng, nd, cap, big=False, **fix):
    while True:
        p = draw(rng, nd, big)
        p.update(fix)
        if legalise(rng, p, cap):
            return p


def part_torch(B):
    r = B.rng
    for k in range(1, 17):                       # every kernel length
        p = sample(r, 1, 5000, k=[k])
        torch_forward(B, p)
    for s in range(1, 9):                        # every stride, 1-D and 2-D
        torch_forward(B, sample(r, 1, 5000, s=[s]))
        torch_forward(B, sample(r, 2, 9000, s=[s, int(r.integers(1, 9))]))
    for nd, n, cap in ((1, 20, 4000), (2, 40, 8000), (3, 22, 8000)):
        for _ in range(n):
            torch_forward(B, sample(r, nd, cap))
    for _ in range(8):
        torch_forward(B, sample(r, 2, 14000, big=True, ci=1, co=1, g=1, N=1))
    for nd in (1, 2, 3):                         # batch 0 and batch 3
        torch_forward(B, sample(r, nd, 6000, N=0), more={"edge": "batch 0"})
        torch_forward(B, sample(r, nd, 9000, N=3))
    for nd in (1, 2, 3):                         # stride above kernel: holes filled by bias only
        torch_forward(B, sample(r, nd, 9000, k=[1] * nd, s=[int(v) for v in r.integers(2, 6, nd)], bias=True),
                      more={"edge": "stride > kernel: untouched outputs equal the bias"})
    for _ in range(4):                           # padding above (k-1)*d: input border is cropped away
        while True:
            p = draw(r, 2)
            p.update(k=[int(v) for v in r.integers(1, 4, 2)], I=[int(v) for v in r.integers(4, 7, 2)])
            p["op"] = [0, 0]
            p["pad"] = [(k - 1) * d + int(r.integers(1, 3)) for k, d in zip(p["k"], p["d"])]
            if min(torch_out(p)) > 0 and nbytes(p, torch_out(p)) < 9000:
                break
        torch_forward(B, p, more={"edge": "padding > dilation*(kernel-1)"})


    import torch
    import torch.nn.functional as F
    for nd in (1, 2, 3):                         # no batch axis at all
        p = sample(r, nd, 5000, N=1)
        x, w, b = tensors(r, p)
        fn = [None, F.conv_transpose1d, F.conv_transpose2d, F.conv_transpose3d][nd]
        D = lambda a: None if a is None else torch.from_numpy(a).double()
        y = fn(D(x[0]), D(w), D(b), stride=p["s"], padding=p["pad"], output_padding=p["op"], groups=p["g"],
               dilation=p["d"]).numpy()
        a = (p["s"], p["d"], p["g"], p["pad"], torch_out(p))
        close(y, ct_ref(x, w, b, *a)[0], 1e-10)
        B.ok(f"torch{nd}d_unbatched", "torch.safetensors", "conv_transpose", "torch", tattrs(p),
             {"x": x[0], "w": w, "b": b}, {"y": y, "y_abs": ct_abs(x, w, b, *a)[0]}, edge="input without a batch axis")


def part_output_size(B):
    import torch
    r = B.rng
    for nd in (1, 2, 3):
        for _ in range({1: 3, 2: 3, 3: 1}[nd]):
            p = sample(r, nd, 4000, s=[int(v) for v in r.integers(2, 5, nd)])
            p["d"] = [1] * nd if r.random() < .5 else p["d"]
            p["op"] = [0] * nd
            lo = torch_out(p)
            if min(lo) < 1:
                continue
            for q in range(max(p["s"])):
                p["op"] = [min(q, s - 1) for s in p["s"]]
                size = [a + o for a, o in zip(lo, p["op"])]
                L = [None, torch.nn.ConvTranspose1d, torch.nn.ConvTranspose2d, torch.nn.ConvTranspose3d][nd](
                    p["ci"], p["co"], p["k"], p["s"], p["pad"], 0, p["g"], p["bias"], p["d"])
                got = tuple(L(torch.zeros(p["N"], p["ci"], *p["I"]), output_size=size).shape[2:])
                assert got == tuple(size)
                torch_forward(B, p, {"output_size": size}, f"torch{nd}d_outsize",
                              more={"note": "output_size replaces output_padding; the attrs list the resulting one"})


def part_medium(B):
    """A few larger cases, to leave every tile and vector width with a remainder. y is stored rounded to float32."""
    import tensorflow as tf
    import torch
    import torch.nn.functional as F
    r = B.rng
    u = lambda a, b: int(r.integers(a, b + 1))
    fns = [None, F.conv_transpose1d, F.conv_transpose2d, F.conv_transpose3d]
    c = 8 * u(4, 5)
    todo = [  # ci, co, groups, input, kernel, stride, padding, output_padding, dilation
        (u(29, 37), u(27, 35), 1, [u(7, 10), u(7, 11)], [3, 3], [2, 2], [1, 1], [1, 1], [1, 1]),
        (u(33, 41), u(17, 23), 1, [u(7, 10), u(9, 12)], [4, 4], [2, 2], [1, 1], [0, 0], [1, 1]),
        (c, c, c, [u(6, 8), u(7, 9)], [u(5, 8), u(5, 8)], [u(2, 3), 2], [u(0, 2), u(0, 2)], [0, 1], [1, 1]),
        (u(18, 26), u(13, 19), 1, [u(33, 50)], [16], [8], [4], [0], [1]),
        (u(60, 70), 1, 1, [u(25, 40)], [64], [16], [0], [0], [1]),
        (u(7, 10), u(9, 11), 1, [u(3, 5), u(4, 6), u(5, 6)], [3, 3, 3], [2, 2, 2], [1, 1, 1], [1, 0, 1], [1, 1, 1]),
        (u(33, 39), u(17, 23), 1, [u(9, 12), u(9, 13)], [2, 2], [2, 2], [0, 0], [0, 0], [1, 1]),
        (u(17, 25), u(23, 27), 1, [u(14, 19), u(15, 21)], [3, 3], [1, 1], [u(0, 2), u(0, 2)], [0, 0], [2, 2]),
        (24, 18, 6, [u(9, 12), u(9, 14)], [5, 3], [3, 2], [2, 1], [1, 0], [1, 2])]
    for ci, co, g, I, k, s, p, op, d in todo:
        q = dict(nd=len(I), s=s, k=k, d=d, I=I, N=1, ci=ci, co=co, g=g, bias=True, pad=p, op=op)
        x, w, b = tensors(r, q)
        D = lambda a: torch.from_numpy(a).double()
        y = fns[len(I)](D(x), D(w), D(b), stride=s, padding=p, output_padding=op, groups=g, dilation=d).numpy()
        a = (s, d, g, p, torch_out(q))
        B.diff("torch_f64", close(y, ct_ref(x, w, b, *a), 1e-10))
        B.ok("medium", "medium.safetensors", "conv_transpose", "torch", tattrs(q), {"x": x, "w": w, "b": b},
             {"y": y.astype(np.float32)}, abs_max=float(ct_abs(x, w, b, *a).max()))
    for mode in ("SAME", "VALID"):
        ci, co, I, k, s = u(29, 37), u(17, 23), [u(5, 7), u(5, 8)], [5, u(3, 4)], [3, 2]
        O = [pick(r, tf_legal(I[i], k[i], s[i], 1, mode)) for i in range(2)]
        x, w = f32(r, 1, *I, ci), f32(r, *k, co, ci)
        y = tf.nn.conv2d_transpose(tf.constant(x, tf.float64), tf.constant(w, tf.float64), [1, *O, co], s, mode).numpy()
        a = (s, [1, 1], 1, [tf_begin(I[i], k[i], s[i], 1, mode, O[i]) for i in range(2)], O)
        wr = np.moveaxis(w, (-1, -2), (0, 1))
        B.diff("tf_f64", close(y, cl(ct_ref(cf(x), wr, None, *a)), 1e-10))
        B.ok("medium", "medium.safetensors", "tf_conv_transpose", "tensorflow",
             {"dims": 2, "strides": s, "padding": mode, "dilations": [1, 1], "output_shape": [1, *O, co],
              "data_format": "channels_last"}, {"x": x, "w": w}, {"y": y.astype(np.float32)},
             abs_max=float(ct_abs(cf(x), wr, None, *a).max()))


def part_grad(B):
    import torch
    import torch.nn.functional as F
    r = B.rng
    for nd, n, cap in ((1, 14, 2500), (2, 20, 4500), (3, 10, 5000)):
        fn = [None, F.conv_transpose1d, F.conv_transpose2d, F.conv_transpose3d][nd]
        for i in range(n):
            fix = {"N": 0} if i == n - 1 else {}
            p = sample(r, nd, cap, bias=True, **fix)
            x, w, b = tensors(r, p)
            t = [torch.from_numpy(a).double().requires_grad_() for a in (x, w, b)]
            y = fn(*t, stride=p["s"], padding=p["pad"], output_padding=p["op"], groups=p["g"], dilation=p["d"])
            dy = f32(r, *y.shape)
            y.backward(torch.from_numpy(dy).double())
            gx, gw, gb = (v.grad.numpy() for v in t)
            # adjoint test: the op is linear in each argument
            lin = lambda u, v: float((u.astype(np.float64) * v).sum())
            yb = y.detach().numpy() - b.astype(np.float64).reshape((1, -1) + (1,) * nd)
            B.diff("adjoint", abs(lin(dy, yb) - lin(x, gx)))
            B.diff("adjoint", abs(lin(dy, yb) - lin(w, gw)))
            A = [torch.from_numpy(np.abs(a)).double().requires_grad_() for a in (x, w, b)]
            fn(*A, stride=p["s"], padding=p["pad"], output_padding=p["op"], groups=p["g"],
               dilation=p["d"]).backward(torch.from_numpy(np.abs(dy)).double())
            B.ok(f"grad{nd}d", "grad.safetensors", "conv_transpose_grad", "torch", tattrs(p),
                 {"x": x, "w": w, "b": b, "dy": dy},
                 {"dx": gx, "dw": gw, "db": gb, **{k + "_abs": v.grad.numpy().astype(np.float32)
                                                  for k, v in zip(("dx", "dw", "db"), A)}})


# ----------------------------------------------------------------- TensorFlow
def tf_legal(I, k, s, d, mode, pads=(0, 0)):
    """All output sizes whose forward convolution gives I, and where the window starts."""
    ke = (k - 1) * d + 1
    if mode == "SAME":
        lo = (I - 1) * s + 1
    else:
        lo = (I - 1) * s + ke - sum(pads)
    return [o for o in range(lo, lo + s) if o > 0]


def tf_begin(I, k, s, d, mode, O, pads=(0, 0)):
    if mode == "SAME":
        return max(0, (I - 1) * s + (k - 1) * d + 1 - O) // 2
    return pads[0]


def tf_case(B, nd, N, I, k, s, d, ci, co, mode, O, pads=None, fmt=None, more=None, prefix=None, g=1):
    import tensorflow as tf
    r = B.rng
    x = f32(r, N, *I, ci)
    w = f32(r, *k, co // g, ci)
    pp = pads or [(0, 0)] * nd
    beg = [tf_begin(*t) for t in zip(I, k, s, d, [mode] * nd, O, pp)]
    wr = np.moveaxis(w, (-1, -2), (0, 1))
    a = (s, d, g, beg, O)
    ref = cl(ct_ref(cf(x), wr, None, *a))
    pad = mode if mode != "EXPLICIT" else [[0, 0], *[list(q) for q in pp], [0, 0]]
    fn = {1: tf.nn.conv1d_transpose, 2: tf.nn.conv2d_transpose, 3: tf.nn.conv3d_transpose}[nd]
    go = lambda t: fn(tf.constant(x, t), tf.constant(w, t), [N, *O, co], strides=s, padding=pad, dilations=d).numpy()
    y, err = attempt(lambda: go(tf.float64))
    more = {**(more or {}), "info": {"window_begin": beg}}
    if err:                                      # groups and dilation exist on the CPU in float32 only (oneDNN)
        y, err = attempt(lambda: go(tf.float32))
        if err and N and "ilation" not in err["message"]:
            raise RuntimeError(err["message"])
        more["reference"] = ("numpy float64 (TensorFlow refuses: %s)" % err["message"][:110] if err else
                             "numpy float64, agrees with TensorFlow float32")
        if not err:
            B.diff("tf_f32", close(y.astype(np.float64), ref, 1e-4))
    else:
        B.diff("tf_f64", close(y, ref, 1e-10))
    yabs = cl(ct_abs(cf(x), wr, None, *a))
    at = {"dims": nd, "strides": s, "padding": mode, "dilations": d, "output_shape": [N, *O, co],
          "data_format": "channels_last"}
    if mode == "EXPLICIT":
        at["explicit_paddings"] = pad
    if fmt == "NCHW":
        x, ref, yabs = cf(x), cf(ref), cf(yabs)
        at["data_format"], at["output_shape"] = "channels_first", [N, co, *O]
    B.ok(prefix or f"tf{nd}d", "tensorflow.safetensors", "tf_conv_transpose", "tensorflow", at,
         {"x": x, "w": w}, {"y": ref, "y_abs": yabs}, **more)


def part_tf(B):
    r = B.rng
    one = lambda nd: [1] * nd
    strides = [int(v) for v in r.permutation(np.arange(2, 9))]
    # every legal output size for a few layers: one case per (H, W) step
    for i, mode in enumerate(["SAME", "SAME", "SAME", "VALID", "VALID", "SAME", "VALID"]):
        s = [strides[i], int(r.integers(1, strides[i] + 1))]
        k = [int(r.integers(1, 12)), int(r.integers(1, 8))]
        I = [int(r.integers(1, 4)), int(r.integers(1, 4))]
        H = tf_legal(I[0], k[0], s[0], 1, mode)
        W = tf_legal(I[1], k[1], s[1], 1, mode)
        ci, co = pick(r, [(1, 1), (2, 1), (1, 3), (3, 1)])
        for j in range(max(len(H), len(W))):
            tf_case(B, 2, 1, I, k, s, one(2), ci, co, mode, [H[min(j, len(H) - 1)], W[j % len(W)]],
                    prefix="tf2d_every")
    n = 0
    while n < 24:                                # random 2-D
        mode = pick(r, ["SAME", "SAME", "VALID"])
        s, k, I = ([int(v) for v in r.integers(a, b, 2)] for a, b in ((1, 5), (1, 8), (1, 6)))
        N, (ci, co) = pick(r, [1, 1, 3]), pick(r, [(1, 1), (3, 3), (17, 3), (3, 17), (1, 17), (2, 5)])
        O = [pick(r, tf_legal(I[i], k[i], s[i], 1, mode)) for i in range(2)]
        if 4 * (N * math.prod(I) * ci + math.prod(k) * ci * co) + 12 * N * math.prod(O) * co > 9000:
            continue
        n += 1
        tf_case(B, 2, N, I, k, s, one(2), ci, co, mode, O, fmt=pick(r, [None, None, "NCHW"]))
    n = 0
    while n < 14:                                # explicit padding
        s, k, I = ([int(v) for v in r.integers(a, b, 2)] for a, b in ((1, 5), (2, 7), (2, 6)))
        pads = [(int(r.integers(0, q)), int(r.integers(0, q))) for q in k]
        L = [tf_legal(I[i], k[i], s[i], 1, "EXPLICIT", pads[i]) for i in range(2)]
        if not all(L) or math.prod(I) > 20:
            continue
        # TensorFlow asks that no pad reaches the effective kernel size
        O = [pick(r, q) for q in L]
        n += 1
        tf_case(B, 2, 1, I, k, s, one(2), 2, 2, "EXPLICIT", O, pads, prefix="tf2d_explicit")
    for nd, n in ((1, 10), (3, 8)):
        for _ in range(n):
            mode = pick(r, ["SAME", "VALID"])
            s, k, I = ([int(v) for v in r.integers(a, b, nd)] for a, b in ((1, 5), (1, 9 if nd == 1 else 4), (1, 4)))
            O = [pick(r, tf_legal(I[i], k[i], s[i], 1, mode)) for i in range(nd)]
            tf_case(B, nd, 1, I, k, s, one(nd), *pick(r, [(1, 1), (2, 1), (1, 2)]), mode, O)
    for _ in range(8):                           # dilation: TensorFlow computes it on a GPU only
        mode = pick(r, ["SAME", "VALID"])
        s, k, I, d = ([int(v) for v in r.integers(a, b, 2)] for a, b in ((1, 4), (2, 4), (2, 5), (2, 4)))
        O = [pick(r, tf_legal(I[i], k[i], s[i], d[i], mode)) for i in range(2)]
        tf_case(B, 2, 1, I, k, s, d, 2, 2, mode, O, prefix="tf2d_dilated")
    for _ in range(6):                           # groups: output channels = g * filter.shape[-2]
        mode, g, m = pick(r, ["SAME", "VALID"]), int(r.integers(2, 4)), int(r.integers(1, 4))
        s, k, I = ([int(v) for v in r.integers(a, b, 2)] for a, b in ((1, 4), (2, 5), (2, 5)))
        O = [pick(r, tf_legal(I[i], k[i], s[i], 1, mode)) for i in range(2)]
        tf_case(B, 2, 1, I, k, s, one(2), g * int(r.integers(1, 3)), g * m, mode, O, g=g, prefix="tf2d_grouped")
    for mode in ("SAME", "VALID"):               # batch 0
        O = [tf_legal(3, 3, 2, 1, mode)[-1]] * 2
        tf_case(B, 2, 0, [3, 3], [3, 3], [2, 2], one(2), 3, 2, mode, O, more={"edge": "batch 0"}, prefix="tf2d_batch0")


def part_tf_grad(B):
    import tensorflow as tf
    r = B.rng
    for _ in range(12):
        mode = pick(r, ["SAME", "VALID"])
        s, k, I = ([int(v) for v in r.integers(a, b, 2)] for a, b in ((1, 4), (1, 6), (1, 5)))
        O = [pick(r, tf_legal(I[i], k[i], s[i], 1, mode)) for i in range(2)]
        ci, co = pick(r, [(1, 2), (3, 2), (2, 3)])
        x, w, dy = f32(r, 1, *I, ci), f32(r, *k, co, ci), f32(r, 1, *O, co)

        def go(x, w, dy):
            x, w, dy = (tf.constant(a, tf.float64) for a in (x, w, dy))
            with tf.GradientTape() as t:
                t.watch([x, w])
                y = tf.nn.conv2d_transpose(x, w, [1, *O, co], strides=s, padding=mode)
            return [g.numpy() for g in t.gradient(y, [x, w], output_gradients=dy)]
        gx, gw = go(x, w, dy)
        ax, aw = go(np.abs(x), np.abs(w), np.abs(dy))
        B.ok("tfgrad2d", "grad.safetensors", "tf_conv_transpose_grad", "tensorflow",
             {"dims": 2, "strides": s, "padding": mode, "dilations": [1, 1], "output_shape": [1, *O, co],
              "data_format": "channels_last"},
             {"x": x, "w": w, "dy": dy}, {"dx": gx, "dw": gw, "dx_abs": ax.astype(np.float32),
                                          "dw_abs": aw.astype(np.float32)})


def keras_size(I, k, s, mode, op):
    if mode == "same":
        return I * s if op is None else (I - 1) * s + k % 2 + op
    return (I - 1) * s + k + (max(s - k, 0) if op is None else op)


def part_keras(B):
    import keras
    r = B.rng
    n = 0
    while n < 44:
        nd = pick(r, [1, 2, 2, 2, 3])
        mode = pick(r, ["same", "valid"])
        s, k, I = ([int(v) for v in r.integers(a, b, nd)] for a, b in ((1, 5), (1, 6 if nd < 3 else 4), (1, 5)))
        op = None if r.random() < .5 else [int(r.integers(0, q)) for q in s]
        ci, co = pick(r, [(1, 1), (3, 2), (2, 3)])
        bias = bool(r.random() < .5)
        d = [1] * nd
        if nd == 2 and r.random() < .3:          # Keras refuses stride > 1 together with dilation > 1
            s, d, op = [1] * nd, [int(v) for v in r.integers(2, 4, nd)], None
        ke = [(k[i] - 1) * d[i] + 1 for i in range(nd)]
        O = [keras_size(I[i], ke[i], s[i], mode, None if op is None else op[i]) for i in range(nd)]
        if math.prod(O) > 250 or min(O) < 1:
            continue
        cls = {1: keras.layers.Conv1DTranspose, 2: keras.layers.Conv2DTranspose, 3: keras.layers.Conv3DTranspose}[nd]
        x, w = f32(r, 1, *I, ci), f32(r, *k, co, ci)
        b = f32(r, co) if bias else None

        dt = "float32" if max(d) > 1 else "float64"

        def go():
            L = cls(co, tuple(k), strides=tuple(s), padding=mode, output_padding=None if op is None else tuple(op),
                    use_bias=bias, dilation_rate=tuple(d), dtype=dt)
            L.build((None, *I, ci))
            L.set_weights([w] + ([b] if bias else []))
            return np.asarray(L(x.astype(dt)))
        y, err = attempt(go)
        legal = all(O[i] in tf_legal(I[i], k[i], s[i], d[i], mode.upper()) for i in range(nd))
        at = {"dims": nd, "strides": s, "padding": mode, "output_padding": op, "dilation_rate": d,
              "data_format": "channels_last"}
        if err:
            assert not legal, (at, k, I, err)
            B.bad("keras_conv_transpose", "keras", "KERAS_SIZE_NOT_REACHABLE", at,
                  {"x": [1, *I, ci], "w": [*k, co, ci], "size_by_formula": O}, {"keras+tensorflow": err})
            continue
        assert legal and list(y.shape[1:-1]) == O, (at, I, k, y.shape, O)
        beg = [tf_begin(I[i], k[i], s[i], d[i], mode.upper(), O[i]) for i in range(nd)]
        wr = np.moveaxis(w, (-1, -2), (0, 1))
        a = (s, d, 1, beg, O)
        ref = cl(ct_ref(cf(x), wr, b, *a))
        B.diff("keras_" + dt, close(y.astype(np.float64), ref, 1e-10 if dt == "float64" else 1e-4))
        B.ok(f"keras{nd}d", "tensorflow.safetensors", "keras_conv_transpose", "keras", at, {"x": x, "w": w, "b": b},
             {"y": ref, "y_abs": cl(ct_abs(cf(x), wr, b, *a))})
        n += 1


# ----------------------------------------------------------------------- ONNX
def onnx_model(op, ins, n_out, attrs, opset=22):
    from onnx import TensorProto as T, helper as h
    ty = {"float32": T.FLOAT, "int64": T.INT64, "float64": T.DOUBLE}
    names = [k for k in ins]
    node = h.make_node(op, [n if not n.startswith("_") else "" for n in names], ["y"], **attrs)
    g = h.make_graph([node], "g", [h.make_tensor_value_info(n, ty[str(a.dtype)], list(a.shape))
                                   for n, a in ins.items() if not n.startswith("_")],
                     [h.make_tensor_value_info("y", T.FLOAT, [None] * n_out)])
    return h.make_model(g, opset_imports=[h.make_opsetid("", opset)], ir_version=10)


def ort_run(op, ins, n_out, attrs, opset=22):
    import onnxruntime as ort
    o = ort.SessionOptions()
    o.log_severity_level = 4
    m = onnx_model(op, ins, n_out, attrs, opset)
    s = ort.InferenceSession(m.SerializeToString(), o, providers=["CPUExecutionProvider"])
    return s.run(None, {k: v for k, v in ins.items() if not k.startswith("_")})[0]


def onnx_ref_run(op, ins, n_out, attrs, opset=22):
    from onnx.reference import ReferenceEvaluator
    return ReferenceEvaluator(onnx_model(op, ins, n_out, attrs, opset)).run(
        None, {k: v for k, v in ins.items() if not k.startswith("_")})[0]


def onnx_rule(I, k, s, d, op, auto, pads, out):
    """(begin, size, total padding before clamping) of one axis. The operator text says I*s for
    SAME_*; ONNX shape inference and onnxruntime never go above the natural size, hence min."""
    full = full_size(I, k, s, d) + op
    if out is None and auto in ("SAME_UPPER", "SAME_LOWER"):
        t = max(full - I * s, 0)
        return (t // 2 if auto == "SAME_UPPER" else t - t // 2), full - t, full - I * s
    if out is None:
        b, e = (0, 0) if auto == "VALID" else pads
        return b, full - b - e, None
    total = full - out
    t = max(total, 0)
    b = t // 2 if auto == "SAME_UPPER" else t - t // 2
    return b, out, total


def part_onnx(B):
    r = B.rng
    autos = [None, "NOTSET", "VALID", "SAME_UPPER", "SAME_LOWER"]
    n = {a: 0 for a in autos}
    tries = disputed = 0
    while min(n.values()) < 26 and tries < 6000:
        tries += 1
        auto = min(n, key=lambda a: n[a])
        nd = pick(r, [1, 2, 2, 2, 3])
        s, k, I = ([int(v) for v in r.integers(a, b, nd)] for a, b in ((1, 5), (1, 6 if nd < 3 else 4), (1, 5)))
        d = [1] * nd if r.random() < .65 else [int(v) for v in r.integers(1, 4, nd)]
        op = [0] * nd if r.random() < .6 else [int(r.integers(0, q)) for q in s]
        N = pick(r, [1, 1, 1, 3, 0])
        ci, co, g = pick(r, [(1, 1, 1), (3, 2, 1), (2, 4, 2), (3, 3, 3), (17, 17, 17), (4, 6, 2)])
        pads = [(0, 0)] * nd
        if auto in (None, "NOTSET") and r.random() < .7:
            pads = [(int(r.integers(0, 3)), int(r.integers(0, 3))) for _ in range(nd)]
        out = None
        if r.random() < .45:
            out = [max(1, full_size(I[i], k[i], s[i], d[i]) - int(r.integers(-1, k[i] + 1))) for i in range(nd)]
            pads = [(0, 0)] * nd
        R = [onnx_rule(I[i], k[i], s[i], d[i], op[i], auto, pads[i], None if out is None else out[i]) for i in range(nd)]
        O = [q[1] for q in R]
        if min(O) < 1 or N * co * math.prod(O) > 500 or ci * co // g * math.prod(k) > 500:
            continue
        neg = any(q[2] is not None and q[2] < 0 for q in R)
        bias = bool(r.random() < .5)
        x, w = f32(r, N, ci, *I), f32(r, ci, co // g, *k)
        b = f32(r, co) if bias else None
        at = {"strides": s}
        if auto:
            at["auto_pad"] = auto
        if max(d) > 1:
            at["dilations"] = d
        if g > 1:
            at["group"] = g
        if max(op) > 0:
            at["output_padding"] = op
        if any(map(any, pads)):
            at["pads"] = [q[0] for q in pads] + [q[1] for q in pads]
        if out:
            at["output_shape"] = out
        if r.random() < .5:
            at["kernel_shape"] = k
        ins = {"x": x, "w": w, **({"b": b} if bias else {})}
        y, err = attempt(lambda: ort_run("ConvTranspose", ins, nd + 2, at))
        y2, err2 = attempt(lambda: onnx_ref_run("ConvTranspose", ins, nd + 2, at))
        a = (s, d, g, [q[0] for q in R], O)
        ref = ct_ref(x, w, b, *a)
        same = lambda v: v is not None and v.shape == ref.shape and (not v.size or float(np.abs(v - ref).max()) < 1e-4)
        say = lambda v, e: "error: " + e["message"][:90] if e else ("agrees" if same(v) else
                                                                   "shape %s" % list(v.shape) if v.shape != ref.shape else "values differ")
        more = {"onnxruntime": say(y, err), "onnx_reference_evaluator": say(y2, err2)}
        if err and "inconsistent" in err["message"]:
            if 0 not in x.shape and neg:
                B.bad("onnx_conv_transpose", "onnx", "OUTPUT_SHAPE_NOT_LEGAL", {"dims": nd, **at},
                      {"x": list(x.shape), "w": list(w.shape)}, {"onnxruntime": err},
                      optional=True, note="above the natural size by stride or more; the operator text does not forbid it")
            continue
        if neg and out:
            more["edge"] = "total_padding < 0: output_shape above the natural size; tail filled with zeros (+bias)"
        elif neg:
            more["edge"] = "SAME_* with effective kernel (+ output_padding) below stride: size stays natural, not I*s"
        if not same(y):
            more["disputed"] = True
            if disputed >= 12:
                continue
            disputed += 1
            n[auto] -= 1
        else:
            B.diff("ort_f32", np.abs(y - ref).max() if y.size else 0)
        n[auto] += 1
        B.ok(f"onnx{nd}d", "onnx.safetensors", "onnx_conv_transpose", "onnx", {"dims": nd, **at},
             {"x": x, "w": w, "b": b}, {"y": ref, "y_abs": ct_abs(x, w, b, *a)}, **more)


# ------------------------------------------------------------- illegal inputs
def part_errors(B):
    import tensorflow as tf
    import torch
    import torch.nn.functional as F
    import keras
    r = B.rng
    fns = [None, F.conv_transpose1d, F.conv_transpose2d, F.conv_transpose3d]

    def t_err(rule, nd, xs, ws, bs=None, note=None, **kw):
        def go(dt):
            b = None if bs is None else torch.zeros(bs, dtype=dt)
            return tuple(fns[nd](torch.zeros(xs, dtype=dt), torch.zeros(ws, dtype=dt), b, **kw).shape)
        a, e = attempt(lambda: go(torch.float64))
        a2, e2 = attempt(lambda: go(torch.float32))
        rec = {"torch float64": e or f"accepted, shape {list(a)}", "torch float32": e2 or f"accepted, shape {list(a2)}"}
        if e is None and e2 is None:
            B.notes.append(f"torch accepts {rule} {xs} {ws} {kw} -> {a}")
            return
        at = {"dims": nd, **{k: (v if isinstance(v, list) else [v] * nd if k != "groups" else v) for k, v in kw.items()}}
        B.bad("conv_transpose", "torch", rule, at, {"x": xs, "w": ws, **({"b": bs} if bs else {})}, rec,
              **({"note": note} if note else {}))
    for nd in (1, 2, 3):
        s = int(r.integers(2, 5))
        c = int(r.integers(2, 5))
        sp = [int(r.integers(3, 6))] * nd
        t_err("OUTPUT_PADDING_TOO_LARGE", nd, [1, c, *sp], [c, 2, *[3] * nd], stride=s, output_padding=s)
        t_err("OUTPUT_PADDING_TOO_LARGE", nd, [1, c, *sp], [c, 2, *[3] * nd], stride=1, output_padding=1)
        t_err("OUTPUT_PADDING_TOO_LARGE", nd, [1, c, *sp], [c, 2, *[3] * nd], stride=s, dilation=2, output_padding=s + 2)
        t_err("CHANNEL_MISMATCH", nd, [1, c, *sp], [c + 1, 2, *[3] * nd])
        t_err("GROUPS_NOT_DIVIDING_CHANNELS", nd, [1, 5, *sp], [5, 2, *[3] * nd], groups=2)
        t_err("STRIDE_NOT_POSITIVE", nd, [1, c, *sp], [c, 2, *[3] * nd], stride=0)
        t_err("DILATION_NOT_POSITIVE", nd, [1, c, *sp], [c, 2, *[3] * nd], dilation=0)
        t_err("NEGATIVE_PADDING", nd, [1, c, *sp], [c, 2, *[3] * nd], padding=-1)
        t_err("NEGATIVE_OUTPUT_PADDING", nd, [1, c, *sp], [c, 2, *[3] * nd], stride=s, output_padding=-1)
        t_err("OUTPUT_SIZE_NOT_POSITIVE", nd, [1, c, *[2] * nd], [c, 2, *[2] * nd], padding=2)
        t_err("BIAS_SIZE", nd, [1, c, *sp], [c, 2, *[3] * nd], [3])
        t_err("RANK_MISMATCH", nd, [1, c, *sp, 2, 2], [c, 2, *[3] * nd])
        t_err("KERNEL_EMPTY", nd, [1, c, *sp], [c, 2, *[0] * nd])
        t_err("ZERO_GROUPS", nd, [1, c, *sp], [c, 2, *[3] * nd], groups=0)
        cls = [None, torch.nn.ConvTranspose1d, torch.nn.ConvTranspose2d, torch.nn.ConvTranspose3d][nd]
        lo = (sp[0] - 1) * s + 3
        for size in (lo - 1, lo + s):
            a, e = attempt(lambda: cls(c, 2, 3, s)(torch.zeros(1, c, *sp), output_size=[size] * nd).shape)
            assert e, size
            B.bad("conv_transpose", "torch", "OUTPUT_SIZE_OUT_OF_RANGE",
                  {"dims": nd, "stride": [s] * nd, "padding": [0] * nd, "output_size": [size] * nd,
                   "legal_range": [lo, lo + s - 1]}, {"x": [1, c, *sp], "w": [c, 2, *[3] * nd]}, {"torch": e})
        a, e = attempt(lambda: cls(c, 2, 3, padding_mode="reflect"))
        B.bad("conv_transpose", "torch", "PADDING_MODE_NOT_ZEROS", {"dims": nd, "padding_mode": "reflect"},
              {"w": [c, 2, *[3] * nd]}, {"torch": e})

    def tf_err(rule, xs, ws, out, strides, padding, dil=1, note=None):
        a, e = attempt(lambda: tf.nn.conv2d_transpose(tf.zeros(xs, tf.float64), tf.zeros(ws, tf.float64), out, strides,
                                                      padding, dilations=dil).shape)
        if not e:
            B.notes.append(f"tf accepts {rule} {xs} {ws} {out} {strides} {padding} -> {a}")
            return
        B.bad("tf_conv_transpose", "tensorflow", rule, {"dims": 2, "strides": strides, "padding": padding,
                                                        "output_shape": out, "dilations": dil, "data_format": "channels_last"},
              {"x": xs, "w": ws}, {"tensorflow": e}, **({"note": note} if note else {}))
    for mode in ("SAME", "VALID"):
        for _ in range(5):
            I, s, k = int(r.integers(2, 6)), int(r.integers(2, 5)), int(r.integers(1, 6))
            L = tf_legal(I, k, s, 1, mode)
            for O in (L[0] - 1, L[-1] + 1):
                tf_err("OUTPUT_SHAPE_NOT_LEGAL", [1, I, I, 2], [k, k, 3, 2], [1, O, O, 3], [s, s], mode,
                       note=f"legal sizes: {L[0]}..{L[-1]}")
    for _ in range(4):
        I, s, k, p = int(r.integers(2, 6)), int(r.integers(2, 5)), 4, [int(v) for v in r.integers(0, 3, 2)]
        L = tf_legal(I, k, s, 1, "EXPLICIT", p)
        for O in (L[0] - 1, L[-1] + 1):
            tf_err("OUTPUT_SHAPE_NOT_LEGAL", [1, I, I, 2], [k, k, 3, 2], [1, O, O, 3], [s, s], [[0, 0], p, p, [0, 0]],
                   note=f"legal sizes: {L[0]}..{L[-1]}")
    h = int(r.integers(2, 6))
    tf_err("OUTPUT_SHAPE_BATCH", [2, h, h, 2], [3, 3, 3, 2], [1, 2 * h, 2 * h, 3], [2, 2], "SAME")
    tf_err("OUTPUT_SHAPE_CHANNELS", [1, h, h, 2], [3, 3, 3, 2], [1, 2 * h, 2 * h, 4], [2, 2], "SAME")
    tf_err("CHANNEL_MISMATCH", [1, h, h, 5], [3, 3, 3, 2], [1, 2 * h, 2 * h, 3], [2, 2], "SAME")
    tf_err("STRIDE_NOT_POSITIVE", [1, h, h, 2], [3, 3, 3, 2], [1, 2 * h, 2 * h, 3], [0, 2], "SAME")
    tf_err("PADDING_UNKNOWN", [1, h, h, 2], [3, 3, 3, 2], [1, 2 * h, 2 * h, 3], [2, 2], "FULL")
    tf_err("OUTPUT_SHAPE_RANK", [1, h, h, 2], [3, 3, 3, 2], [2 * h, 2 * h, 3], [2, 2], "SAME")
    tf_err("NEGATIVE_PADDING", [1, h, h, 2], [3, 3, 3, 2], [1, 2 * h + 3, 2 * h + 3, 3], [2, 2], [[0, 0], [-1, -1], [-1, -1], [0, 0]])
    tf_err("OUTPUT_SIZE_NOT_POSITIVE", [1, h, h, 2], [3, 3, 3, 2], [1, 0, 0, 3], [2, 2], "SAME")

    for _ in range(5):                           # "same", even kernel, output_padding 0: size (I-1)*s cannot be reached
        k, s, I = 2 * int(r.integers(1, 4)), int(r.integers(2, 5)), int(r.integers(2, 6))
        a, e = attempt(lambda: keras.layers.Conv2DTranspose(2, k, strides=s, padding="same", output_padding=0)(
            np.zeros((1, I, I, 1), "float32")).shape)
        assert e
        B.bad("keras_conv_transpose", "keras", "KERAS_SIZE_NOT_REACHABLE",
              {"dims": 2, "strides": [s, s], "padding": "same", "output_padding": [0, 0], "dilation_rate": [1, 1],
               "data_format": "channels_last"},
              {"x": [1, I, I, 1], "w": [k, k, 2, 1], "size_by_formula": [(I - 1) * s] * 2}, {"keras+tensorflow": e})
    a, e = attempt(lambda: keras.layers.Conv2DTranspose(2, 3, strides=2, dilation_rate=2)(np.zeros((1, 4, 4, 1), "float32")))
    B.bad("keras_conv_transpose", "keras", "KERAS_STRIDE_AND_DILATION",
          {"dims": 2, "strides": [2, 2], "padding": "valid", "dilation_rate": [2, 2]},
          {"x": [1, 4, 4, 1], "w": [3, 3, 2, 1]}, {"keras+tensorflow": e}, capability=True)
    for s, op in ((2, 2), (1, 1), (3, 4)):
        a, e = attempt(lambda: keras.layers.Conv2DTranspose(2, 3, strides=s, padding="same", output_padding=op)(
            np.zeros((1, 4, 4, 1), "float32")).shape)
        if e:
            B.bad("keras_conv_transpose", "keras", "OUTPUT_PADDING_TOO_LARGE",
                  {"dims": 2, "strides": [s, s], "padding": "same", "output_padding": [op, op]},
                  {"x": [1, 4, 4, 1], "w": [3, 3, 2, 1]}, {"keras+tensorflow": e})
        else:
            B.notes.append(f"keras accepts output_padding {op} stride {s}: {a}")

    def o_err(rule, xs, ws, note=None, **at):
        ins = {"x": np.zeros(xs, "float32"), "w": np.zeros(ws, "float32")}
        a, e = attempt(lambda: ort_run("ConvTranspose", ins, len(xs), at).shape)
        if not e:
            B.notes.append(f"onnxruntime accepts {rule} {xs} {ws} {at} -> {a}")
            return
        B.bad("onnx_conv_transpose", "onnx", rule, {"dims": len(xs) - 2, **at}, {"x": xs, "w": ws}, {"onnxruntime": e},
              **({"note": note} if note else {}))
    h, c2, c3 = int(r.integers(3, 7)), pick(r, [2, 4]), pick(r, [3, 5])
    o_err("CHANNEL_MISMATCH", [1, c3, h, h], [c2, 2, 3, 3])
    o_err("GROUPS_NOT_DIVIDING_CHANNELS", [1, c3, h, h], [c3, 2, 3, 3], group=2)
    o_err("ZERO_GROUPS", [1, c2, h, h], [c2, 2, 3, 3], group=0)
    o_err("STRIDE_NOT_POSITIVE", [1, c2, h, h], [c2, 2, 3, 3], strides=[0, 1])
    o_err("KERNEL_SHAPE_MISMATCH", [1, c2, h, h], [c2, 2, 3, 3], kernel_shape=[2, 2])
    o_err("OUTPUT_SIZE_NOT_POSITIVE", [1, c2, 1, 1], [c2, 2, 3, 3], pads=[2, 2, 2, 2])
    o_err("ATTRIBUTE_LENGTH", [1, c2, h, h], [c2, 2, 3, 3], strides=[2])
    o_err("ATTRIBUTE_LENGTH", [1, c2, h, h], [c2, 2, 3, 3], pads=[1, 1])
    o_err("OUTPUT_PADDING_TOO_LARGE", [1, c2, h, h], [c2, 2, 3, 3], strides=[2, 2], output_padding=[2, 2])
    o_err("PADS_WITH_AUTO_PAD", [1, c2, h, h], [c2, 2, 3, 3], auto_pad="SAME_UPPER", pads=[1, 1, 1, 1])
    o_err("AUTO_PAD_UNKNOWN", [1, c2, h, h], [c2, 2, 3, 3], auto_pad="FULL")
    o_err("RANK_MISMATCH", [1, c2, h, h], [c2, 2, 3])

    # unpooling
    for nd, fn in ((1, F.max_unpool1d), (2, F.max_unpool2d), (3, F.max_unpool3d)):
        x = torch.zeros([1, 1] + [2] * nd)
        big = torch.full([1, 1] + [2] * nd, 4 ** nd + 3, dtype=torch.int64)
        for rule, args, kw in (("INDEX_OUT_OF_RANGE", (x, big, 2), {}),
                               ("INDEX_OUT_OF_RANGE", (x, torch.full_like(big, -1), 2), {}),
                               ("INDEX_SHAPE_MISMATCH", (x, big[..., :1], 2), {}),
                               ("OUTPUT_SIZE_OUT_OF_RANGE", (x, torch.zeros_like(big), 2), {"output_size": [7] * nd})):
            a, e = attempt(lambda: fn(*args, **kw).shape)
            if e:
                B.bad("max_unpool", "torch", rule, {"dims": nd, "kernel_size": [2] * nd, "stride": [2] * nd, **kw},
                      {"x": [1, 1] + [2] * nd, "indices": list(args[1].shape)}, {"torch": e},
                      note="indices: all %d" % int(args[1].flatten()[0]))
            else:
                B.notes.append(f"torch max_unpool{nd}d accepts {rule}")


# ----------------------------------------------------------- the other ops
def bilinear_1d(k):
    f = math.ceil(k / 2)
    c = (k - 1) / (2 * f)
    return np.array([1 - abs(i / f - c) for i in range(k)])


def part_bilinear(B):
    import torch
    import torch.nn.functional as F
    r = B.rng
    for k in range(1, 17):
        h = bilinear_1d(k)
        f = math.ceil(k / 2)
        # second formula in use (FCN surgery code): centre f-1 for odd k, f-1/2 for even k
        c = f - 1 if k % 2 else f - .5
        assert np.allclose(h, [1 - abs(i - c) / f for i in range(k)])
        B.ok("bilinear_init", "ops.safetensors", "bilinear_init", "caffe", {"kernel": [k, k], "channels": 1}, {},
             {"w": np.outer(h, h)}, note="legacy Caffe centre (2f-1-f%2)/(2f) " +
             ("gives the same" if math.isclose((2 * f - 1 - f % 2) / (2 * f), (k - 1) / (2 * f)) else "gives another kernel"))
    for f in [int(v) for v in r.permutation(np.arange(2, 9))[:5]]:
        k, pad = 2 * f - f % 2, math.ceil((f - 1) / 2)
        C = pick(r, [1, 3])
        I = [int(v) for v in r.integers(2, 5, 2)]
        h = bilinear_1d(k)
        w = np.broadcast_to(np.outer(h, h), (C, 1, k, k)).copy()
        x = f32(r, 1, C, *I)
        y = F.conv_transpose2d(torch.from_numpy(x).double(), torch.from_numpy(w), stride=f, padding=pad, groups=C).numpy()
        up = F.interpolate(torch.from_numpy(x).double(), scale_factor=f, mode="bilinear", align_corners=False).numpy()
        assert y.shape == up.shape
        inner = f // 2 + f % 2
        e = float(np.abs(y - up)[..., inner:-inner, inner:-inner].max())
        assert e < 1e-12, (f, e)
        B.ok("bilinear_up", "ops.safetensors", "bilinear_upsample", "caffe",
             {"factor": f, "kernel": k, "stride": f, "padding": pad, "groups": C}, {"x": x}, {"y": y},
             note="inside, it equals half-pixel bilinear resize; at the border it does not (zeros outside)")


def part_unpool(B):
    import tensorflow as tf
    import torch
    import torch.nn.functional as F
    r = B.rng
    for nd, n in ((1, 6), (2, 12), (3, 5)):
        pool = [None, F.max_pool1d, F.max_pool2d, F.max_pool3d][nd]
        un = [None, F.max_unpool1d, F.max_unpool2d, F.max_unpool3d][nd]
        for i in range(n):
            k = [int(v) for v in r.integers(2, 4, nd)]
            s = list(k) if i % 2 == 0 else [int(r.integers(a, a + 2)) for a in k]
            p = [0] * nd if i % 3 else [int(r.integers(0, a // 2 + 1)) for a in k]
            I = [int(r.integers(a + 2, a + 7)) for a in k]
            N, C = pick(r, [(1, 1), (2, 3), (1, 3)])
            x = f32(r, N, C, *I)
            y, idx = pool(torch.from_numpy(x), k, s, p, return_indices=True)
            z, err = attempt(lambda: un(y, idx, k, s, p, output_size=I).numpy())
            if err:                              # size not inside torch's allowed window
                B.notes.append(f"max_unpool{nd}d k={k} s={s} p={p} I={I}: {err['message'][:80]}")
                continue
            if len(set(map(tuple, np.stack([np.repeat(np.arange(N * C), idx[0, 0].numel()), idx.numpy().ravel()], 1)))) < idx.numel():
                continue                          # repeated index: result not defined
            B.ok(f"unpool{nd}d", "ops.safetensors", "max_unpool", "torch",
                 {"dims": nd, "kernel_size": k, "stride": s, "padding": p, "output_size": I},
                 {"x": x}, {"pooled": y.numpy(), "indices": idx.numpy(), "unpooled": z})
    for _ in range(6):                           # overlapping pooling windows: pool + indices only
        k, s = [3, 3], [2, 2]
        I = [int(v) for v in r.integers(4, 8, 2)]
        x = f32(r, 1, 2, *I)
        y, idx = F.max_pool2d(torch.from_numpy(x), k, s, ceil_mode=bool(_ % 2), return_indices=True)
        B.ok("pool2d", "ops.safetensors", "max_pool_indices", "torch",
             {"dims": 2, "kernel_size": k, "stride": s, "padding": [0, 0], "ceil_mode": bool(_ % 2)}, {"x": x},
             {"pooled": y.numpy(), "indices": idx.numpy()})
    rows = []                                    # pooled sizes of one axis in three dialects
    while len(rows) < 40:
        I, k, s = int(r.integers(2, 30)), int(r.integers(2, 5)), int(r.integers(1, 5))
        p = int(r.integers(0, k // 2 + 1))
        if I + 2 * p < k or I < k:
            continue
        caffe = -(-(I + 2 * p - k) // s) + 1
        if p and (caffe - 1) * s >= I + p:
            caffe -= 1
        x = torch.zeros(1, 1, I)
        fl, ce = (F.max_pool1d(x, k, s, p, ceil_mode=m).shape[-1] for m in (False, True))
        sa, va = (tf.nn.max_pool1d(tf.zeros([1, I, 1]), k, s, m).shape[1] for m in ("SAME", "VALID"))
        rows.append([I, k, s, p, caffe, fl, ce, sa, va])
    B.cases.append({"id": B.new_id("pool_size"), "op": "pool_output_size", "dialect": "definition", "expect": "ok",
                    "attrs": {"columns": ["input", "kernel", "stride", "pad", "caffe", "torch", "torch_ceil_mode",
                                          "tf_same_pad_ignored", "tf_valid_pad_ignored"], "rows": rows},
                    "inputs": {}, "outputs": {}, "note": "caffe column by formula, the others as run"})
    for inc in (False, True):
        for pad in ("SAME", "VALID"):
            x = f32(r, 2, 5, 7, 3)
            y, a = tf.nn.max_pool_with_argmax(x, 2, 2, pad, include_batch_in_index=inc)
            B.ok("argmax2d", "ops.safetensors", "max_pool_indices", "tensorflow",
                 {"dims": 2, "kernel_size": [2, 2], "stride": [2, 2], "padding": pad, "include_batch_in_index": inc,
                  "data_format": "channels_last"}, {"x": x}, {"pooled": y.numpy(), "indices": a.numpy().astype(np.int64)})
    for j in range(5):
        shape = [1, 1, 2, 2] if j < 3 else [2, 3, 2, 2]
        x = f32(r, *shape)
        # ONNX indices count over the whole N*C*H*W tensor
        N, C = shape[:2]
        flat = np.zeros(shape, np.int64)
        for n_, c_, i_, j_ in itertools.product(*map(range, shape)):
            yy, xx = 2 * i_ + int(r.integers(2)), 2 * j_ + int(r.integers(2))
            flat[n_, c_, i_, j_] = ((n_ * C + c_) * 4 + yy) * 4 + xx
        ins = {"x": x, "i": flat}
        at = {"kernel_shape": [2, 2], "strides": [2, 2]}
        y, err = attempt(lambda: ort_run("MaxUnpool", ins, 4, at, 11))
        if err:
            B.notes.append("ort MaxUnpool " + err["message"])
            continue
        want = np.zeros(N * C * 16, np.float32)
        if flat.max() < want.size:
            want[flat.ravel()] = x.ravel()
            if np.array_equal(want.reshape(y.shape), y):
                B.ok("onnx_unpool", "ops.safetensors", "onnx_max_unpool", "onnx", at, {"x": x, "indices": flat}, {"y": y})


def lin_axis(x, ax, m, coord):
    n = x.shape[ax]
    o = np.arange(m, dtype=np.float64)
    if coord == "align_corners":
        c = o * ((n - 1) / (m - 1)) if m > 1 else np.zeros(m)
    elif coord == "half_pixel":
        c = (o + .5) * (n / m) - .5
    else:                                        # asymmetric
        c = o * (n / m)
    lo = np.floor(c)
    t = (c - lo).reshape([-1 if i == ax else 1 for i in range(x.ndim)])
    a = np.take(x, np.clip(lo, 0, n - 1).astype(int), ax)
    b = np.take(x, np.clip(lo + 1, 0, n - 1).astype(int), ax)
    return a + (b - a) * t


def linear(x, axes, out, coord):
    y = x.astype(np.float64)
    for ax, m in zip(axes, out):
        y = lin_axis(y, ax, m, coord)
    return y


def part_resize(B):
    import tensorflow as tf
    import torch
    import torch.nn.functional as F
    r = B.rng
    name = {1: "linear", 2: "bilinear", 3: "trilinear"}
    for nd in (1, 2, 3):
        for ac in (False, True):
            for _ in range(3 if nd == 2 else 1):
                I, O = ([int(v) for v in r.integers(a, b, nd)] for a, b in ((2, 6), (1, 12 if nd < 3 else 6)))
                x = f32(r, 1, 2, *I)
                y = F.interpolate(torch.from_numpy(x).double(), size=O, mode=name[nd], align_corners=ac).numpy()
                B.diff("resize_linear", close(y, linear(x, range(2, 2 + nd), O, "align_corners" if ac else "half_pixel"), 1e-10))
                B.ok(f"resize{nd}d", "ops.safetensors", "resize", "torch",
                     {"dims": nd, "mode": name[nd], "align_corners": ac, "size": O}, {"x": x}, {"y": y})
        for mode in ("nearest", "nearest-exact"):
            I, O = ([int(v) for v in r.integers(a, b, nd)] for a, b in ((2, 6), (2, 12 if nd < 3 else 6)))
            x = f32(r, 1, 2, *I)
            B.ok(f"resize{nd}d", "ops.safetensors", "resize", "torch", {"dims": nd, "mode": mode, "size": O}, {"x": x},
                 {"y": F.interpolate(torch.from_numpy(x).double(), size=O, mode=mode).numpy()})
    for ac in (False, True):
        I, O = ([int(v) for v in r.integers(a, b, 2)] for a, b in ((2, 6), (2, 10)))
        x = f32(r, 1, 2, *I)
        B.ok("resize2d", "ops.safetensors", "resize", "torch", {"dims": 2, "mode": "bicubic", "align_corners": ac, "size": O,
                                                              "cubic_a": -.75}, {"x": x},
             {"y": F.interpolate(torch.from_numpy(x).double(), size=O, mode="bicubic", align_corners=ac).numpy()})
    for ac, hp in ((False, False), (True, False), (False, True)):
        for m in ("bilinear", "nearest"):
            I, O = ([int(v) for v in r.integers(a, b, 2)] for a, b in ((2, 6), (2, 12)))
            x = f32(r, 1, *I, 2)
            op = tf.raw_ops.ResizeBilinear if m == "bilinear" else tf.raw_ops.ResizeNearestNeighbor
            y = op(images=x, size=O, align_corners=ac, half_pixel_centers=hp).numpy()
            ref = y
            if m == "bilinear":
                ref = linear(x, (1, 2), O, "align_corners" if ac else "half_pixel" if hp else "asymmetric")
                close(y.astype(np.float64), ref, 1e-4)
            B.ok("tfresize2d", "ops.safetensors", "resize", "tensorflow",
                 {"dims": 2, "mode": m, "align_corners": ac, "half_pixel_centers": hp, "size": O,
                  "data_format": "channels_last"}, {"x": x}, {"y": ref})
    for coord in ("half_pixel", "align_corners", "asymmetric", "pytorch_half_pixel"):
        for mode, near in (("linear", None), ("nearest", "round_prefer_floor"), ("nearest", "round_prefer_ceil"),
                           ("nearest", "floor"), ("nearest", "ceil")):
            I, O = ([int(v) for v in r.integers(a, b, 2)] for a, b in ((2, 6), (2, 12)))
            x = f32(r, 1, 2, *I)
            at = {"mode": mode, "coordinate_transformation_mode": coord}
            if near:
                at["nearest_mode"] = near
            ins = {"x": x, "_roi": x, "_scales": x, "sizes": np.array([1, 2, *O], np.int64)}
            y, err = attempt(lambda: ort_run("Resize", ins, 4, at, 18))
            y2, err2 = attempt(lambda: onnx_ref_run("Resize", ins, 4, at, 18))
            if err:
                B.notes.append(f"ort Resize {at} {err['message'][:80]}")
                continue
            more, ref = {}, y
            if mode == "linear":
                ref = linear(x, (2, 3), O, coord.replace("pytorch_", ""))
                close(y.astype(np.float64), ref, 1e-4)
            if y2 is None or np.abs(np.asarray(y2) - ref).max() > 1e-4:
                more["disputed"] = True
                more["onnx_reference_evaluator"] = "differs"
            B.ok("onnxresize2d", "ops.safetensors", "resize", "onnx", {"dims": 2, "size": O, **at}, {"x": x}, {"y": ref}, **more)


def part_shuffle(B):
    import tensorflow as tf
    import torch
    import torch.nn.functional as F
    r = B.rng
    for f in (2, 3, 4):
        c, I = int(r.integers(1, 4)), [int(v) for v in r.integers(1, 4, 2)]
        x = f32(r, 1, c * f * f, *I)
        y = F.pixel_shuffle(torch.from_numpy(x), f).numpy()
        B.ok("pixel_shuffle", "ops.safetensors", "pixel_shuffle", "torch", {"factor": f}, {"x": x}, {"y": y},
             note="same channel order as ONNX DepthToSpace mode=CRD")
        B.ok("pixel_unshuffle", "ops.safetensors", "pixel_unshuffle", "torch", {"factor": f}, {"x": y},
             {"y": F.pixel_unshuffle(torch.from_numpy(y), f).numpy()})
        xn = f32(r, 1, *I, c * f * f)
        B.ok("depth_to_space", "ops.safetensors", "depth_to_space", "tensorflow",
             {"factor": f, "data_format": "channels_last"}, {"x": xn}, {"y": tf.nn.depth_to_space(xn, f).numpy()},
             note="same channel order as ONNX DepthToSpace mode=DCR")
    for mode in ("DCR", "CRD"):
        x = f32(r, 1, 12, 2, 3)
        B.ok("onnx_d2s", "ops.safetensors", "depth_to_space", "onnx", {"blocksize": 2, "mode": mode}, {"x": x},
             {"y": ort_run("DepthToSpace", {"x": x}, 4, {"blocksize": 2, "mode": mode}, 13)})
    for f in (2, 3, 4):                          # nearest resize, then a stride-1 convolution
        I, k = [int(v) for v in r.integers(2, 4, 2)], pick(r, [3, 5])
        x, w, b = f32(r, 1, 2, *I), f32(r, 3, 2, k, k), f32(r, 3)
        D = lambda a: torch.from_numpy(a).double()
        y = F.conv2d(F.interpolate(D(x), scale_factor=f, mode="nearest"), D(w), D(b), padding=k // 2).numpy()
        B.ok("resize_conv", "ops.safetensors", "resize_conv", "torch", {"factor": f, "mode": "nearest", "padding": [k // 2] * 2,
                                                                       "weight_order": "out,in,kh,kw"},
             {"x": x, "w": w, "b": b}, {"y": y})
    # sub-pixel identity: a transposed convolution is a stride-1 one followed by a shuffle
    for k, s in ((4, 2), (3, 2), (5, 3), (2, 2), (3, 1), (6, 3), (8, 4), (7, 4), (1, 2), (2, 4)):
        ones = np.ones((1, 1, 5)), np.ones((1, 1, k))
        y = ct_ref(*ones, None, [s], [1], 1, [0], [full_size(5, k, s, 1)])
        mid = y[0, 0, k:len(y[0, 0]) - k]
        even = bool(np.all(y[0, 0, (k - 1):5 * s - (k - 1)] == y[0, 0, k - 1])) if 5 * s - 2 * (k - 1) > 0 else None
        B.ok("overlap", "ops.safetensors", "overlap_count", "definition", {"kernel": [k], "stride": [s], "input": [5]}, {},
             {"count": y[0, 0]}, uniform_inside=(k % s == 0))
    for _ in range(4):                           # dense matrix of the forward convolution
        I, k, s, p = int(r.integers(4, 7)), int(r.integers(2, 4)), int(r.integers(1, 3)), int(r.integers(0, 2))
        w = f32(r, 1, 1, k)
        m = (I + 2 * p - k) // s + 1
        C = np.zeros((m, I))
        for i in range(m):
            for j in range(k):
                if 0 <= i * s + j - p < I:
                    C[i, i * s + j - p] += w[0, 0, j]
        x = f32(r, 1, 1, m)
        y = ct_ref(x, w, None, [s], [1], 1, [p], [I])
        assert np.allclose(C.T @ x[0, 0], y[0, 0])
        B.ok("matrix", "ops.safetensors", "matrix_form", "definition",
             {"stride": [s], "padding": [p], "conv_input": [I], "conv_output": [m]}, {"x": x, "w": w},
             {"c": C, "y": y}, note="c is the matrix of the forward convolution; y = transpose(c) x")


def onnx_names():
    import onnx
    root = os.path.join(os.path.dirname(onnx.__file__), "backend", "test", "data", "node")
    pats = ("test_convtranspose", "test_maxunpool", "test_resize", "test_upsample", "test_depthtospace", "test_col2im")
    return {p: sorted(d for d in os.listdir(root) if d.startswith(p)) for p in pats}


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--seed", type=int, default=20260)
    ap.add_argument("--out", default=os.path.dirname(os.path.abspath(__file__)))
    ap.add_argument("--only")
    a = ap.parse_args()
    B = Book(a.seed)
    parts = [part_torch, part_output_size, part_medium, part_grad, part_tf, part_tf_grad, part_keras, part_onnx, part_errors,
             part_bilinear, part_unpool, part_resize, part_shuffle]
    for f in parts:
        if a.only and f.__name__ not in a.only.split(","):
            continue
        n0 = len(B.cases)
        f(B)
        print(f"{f.__name__}: {len(B.cases) - n0}", flush=True)
    os.makedirs(a.out, exist_ok=True)
    for p in B.packs.values():
        p.save(a.out)
    import onnx, onnxruntime, tensorflow as tf, torch, keras
    kinds = {}
    for c in B.cases:
        q = c["dialect"] + "/" + c["op"] + ("/error" if c["expect"] == "error" else "")
        kinds[q] = kinds.get(q, 0) + 1
    meta = {"format": 1, "versions": {"torch": torch.__version__.split("+")[0], "tensorflow": tf.__version__,
                                      "keras": keras.__version__, "onnx": onnx.__version__,
                                      "onnxruntime": onnxruntime.__version__, "numpy": np.__version__},
            "counts": kinds, "total": len(B.cases),
            "worst_disagreement_with_numpy_reference": {k: float(f"{v:.2e}") for k, v in sorted(B.worst.items())},
            "accepted_although_doubtful": B.notes}
    with open(os.path.join(a.out, "cases.json"), "w") as f:
        f.write('{"meta":' + json.dumps(meta, indent=1) + ',\n"cases":[\n')
        f.write(",\n".join(json.dumps(c, separators=(",", ":")) for c in B.cases))
        f.write("\n]}\n")
    names = onnx_names()
    with open(os.path.join(a.out, "onnx_node_tests.json"), "w") as f:
        json.dump({"package": "onnx", "version": onnx.__version__, "folder_inside_package": "backend/test/data/node",
                   "counts": {k: len(v) for k, v in names.items()}, "names": names}, f, indent=1)
    print(json.dumps(meta, indent=1))
    print("bytes", sum(os.path.getsize(os.path.join(a.out, q)) for q in os.listdir(a.out) if q.endswith((".safetensors", ".json"))))


if __name__ == "__main__":
    main()
