//! What [`crate::ConvTransposePlan`] and [`crate::ConvPlan`] share: one coupling, gone through in two
//! directions, and its weight gradient.

use rayon::prelude::*;
use std::borrow::Cow;

use crate::aligned::Aligned;
use crate::conv_transpose::column_gemm::{self, Blocks};
use crate::conv_transpose::coupling::Coupling;
use crate::conv_transpose::{CoarseToFine, FineToCoarse, ToWeight, direct};
use crate::depthwise::{self, DepthwisePlan};
use crate::error::{KernelError, Result, check_len};
use crate::extent::Extent;
use crate::layout::turn;
use crate::options::{Algorithm, Epilogue, FastMath, Gradients, Layout, PackedWeight, PlanOptions};
use crate::phases::{Direction, PhasePlan};
use crate::simd::Detected;
use crate::simd::activate::Activate;
use crate::weight_gradient::WeightGradient;
use crate::winograd::WinogradPlan;

/// The sizes of the tensors as they lie in memory.
#[derive(Clone, Debug)]
pub(crate) struct Shapes {
    pub(crate) x: Vec<usize>,
    pub(crate) weight: Vec<usize>,
    pub(crate) y: Vec<usize>,
    pub(crate) out_channels: usize,
}

impl Shapes {
    /// From sizes in the order NCHW.
    pub(crate) fn new(layout: Layout, x: Vec<usize>, weight: Vec<usize>, y: Vec<usize>) -> Self {
        let out_channels = y[1];
        let lie = |mut shape: Vec<usize>| {
            if layout == Layout::Nhwc {
                shape[1..].rotate_left(1);
            }
            shape
        };
        Self { x: lie(x), weight, y: lie(y), out_channels }
    }
}

/// A convolution or transposed convolution, ready to run.
#[derive(Clone, Debug)]
pub(crate) struct Engine {
    coupling: Coupling,
    /// The direction of the forward pass; the gradient for x goes the other way.
    forward: Direction,
    shapes: Shapes,
    isa: Detected,
    layout: Layout,
    to_y: Route,
    to_dx: Route,
    /// Instead of `to_y`, but for a weight that it has no room to pack.
    fast: Option<Box<WinogradPlan>>,
    /// The same for a dense weight that turns out to have a diagonal only.
    diagonal: Option<Diagonal>,
    to_dw: GradientRoute,
    workspace: usize,
}

/// Both directions of a dense weight in which each output channel has one input channel.
#[derive(Clone, Debug)]
struct Diagonal {
    to_y: DepthwisePlan,
    to_dx: DepthwisePlan,
}

/// A plan for the forward pass whose errors are larger, and its weight too, if it is allowed, applies, and is faster.
fn fast(
    coupling: &Coupling,
    forward: Direction,
    isa: Detected,
    options: &PlanOptions,
    limit: usize,
) -> Result<Option<Box<WinogradPlan>>> {
    let wanted = options.algorithm == Some(Algorithm::Winograd);
    match (options.fast_math, options.algorithm) {
        (FastMath::Allow, None | Some(Algorithm::Winograd)) => {}
        (FastMath::Deny, Some(Algorithm::Winograd)) => {
            let reason = "winograd is less exact than the default; allow it with fast_math";
            return Err(KernelError::Unsupported { option: "algorithm", reason });
        }
        _ => return Ok(None),
    }
    let asked = options.max_workspace.unwrap_or(usize::MAX);
    let plan = |limit, packing| {
        WinogradPlan::new(coupling, forward, (isa, options.layout), (limit, packing))
    };
    if !wanted {
        return Ok(plan(limit, limit).filter(WinogradPlan::pays).map(Box::new));
    }
    let Some(plan) = plan(limit, asked).or_else(|| plan(usize::MAX, usize::MAX)) else {
        return Ok(None);
    };
    let needed = plan.workspace(rayon::current_num_threads());
    if needed > asked {
        let algorithm = Algorithm::Winograd.name();
        return Err(KernelError::WorkspaceTooSmall { algorithm, needed, limit: asked });
    }
    Ok(Some(Box::new(plan)))
}

/// How the gradient for the weight is computed.
#[derive(Clone, Debug)]
enum GradientRoute {
    Direct,
    ColumnGemm(Blocks),
    Own(Box<WeightGradient>),
}

/// How one direction is computed.
#[derive(Clone, Debug)]
enum Route {
    Direct,
    ColumnGemm(Blocks),
    Phases(Box<PhasePlan>),
    Depthwise(Box<DepthwisePlan>),
}

impl Route {
    fn algorithm(&self) -> Algorithm {
        match self {
            Self::Direct => Algorithm::Direct,
            Self::ColumnGemm(_) => Algorithm::ColumnGemm,
            Self::Phases(plan) => plan.algorithm(),
            Self::Depthwise(_) => Algorithm::Depthwise,
        }
    }
}

impl Engine {
    pub(crate) fn new(
        coupling: Coupling,
        forward: Direction,
        shapes: Shapes,
        options: &PlanOptions,
    ) -> Result<Self> {
        let isa = Detected::choose(options.isa)?;
        let layout = options.layout;
        let threads = rayon::current_num_threads();
        let asked = options.max_workspace.unwrap_or(usize::MAX);
        let limit = asked.min(coupling.room().saturating_mul(size_of::<f32>()));
        let fast = fast(&coupling, forward, isa, options, limit)?;
        // Where it does not apply, and for gradients, it is as if nobody had asked.
        let chosen = options.algorithm.filter(|&one| one != Algorithm::Winograd);
        // Without channels there is no matrix.
        let none = coupling.coarse_channels * coupling.fine_channels == 0;
        // What knows NCHW only works on copies.
        let copies = match layout {
            Layout::Nchw => 0,
            Layout::Nhwc => {
                let values = |shape: &[usize]| shape.iter().product::<usize>();
                (values(&shapes.x) + values(&shapes.y)) * size_of::<f32>()
            }
        };
        let left = limit.saturating_sub(copies);
        let blocks = Blocks::new(&coupling).within(&coupling, isa, left);
        let column_bytes = blocks.workspace(&coupling, isa, threads).saturating_add(copies);
        let route = |direction: Direction| -> Result<(Route, usize)> {
            let phases = |wanted| {
                let plan = PhasePlan::new(&coupling, direction, (isa, layout), wanted, limit)?;
                let bytes = plan.workspace(threads);
                Some((Route::Phases(Box::new(plan)), bytes))
            };
            let depthwise = || {
                let plan = DepthwisePlan::new(&coupling, direction, isa, layout)?.within(limit);
                let bytes = plan.workspace(threads);
                Some((Route::Depthwise(Box::new(plan)), bytes))
            };
            let columns = || (Route::ColumnGemm(blocks), column_bytes);
            let direct = (Route::Direct, copies);
            let wanted = match chosen {
                _ if none => Some(direct.clone()),
                Some(Algorithm::Direct) => Some(direct.clone()),
                Some(Algorithm::ColumnGemm) => Some(columns()),
                Some(Algorithm::Depthwise) => depthwise(),
                Some(wanted) => phases(Some(wanted)),
                None => None,
            };
            match wanted {
                Some((route, needed)) if needed > asked && needed > copies => {
                    let algorithm = route.algorithm().name();
                    Err(KernelError::WorkspaceTooSmall { algorithm, needed, limit: asked })
                }
                Some(route) => Ok(route),
                None => {
                    // Below this many channel pairs a tile is mostly border.
                    let (coarse, fine) = (coupling.coarse_channels, coupling.fine_channels);
                    let few = layout == Layout::Nchw && (coarse * fine <= 16 || coarse <= 2);
                    let fits = |(_, needed): &(Route, usize)| *needed <= limit;
                    if let Some(best) = depthwise().filter(fits) {
                        return Ok(best);
                    }
                    if few {
                        return Ok(direct);
                    }
                    // What suits, then what takes less memory.
                    let small = [Algorithm::BlockGemm, Algorithm::FewOutputs].map(Some);
                    let mut phases = [None].into_iter().chain(small).filter_map(phases);
                    let best = phases.find(fits).or_else(|| Some(columns()).filter(fits));
                    Ok(best.unwrap_or(direct))
                }
            }
        };
        let (to_y, y_bytes) = route(forward)?;
        let (to_dx, dx_bytes) = route(match forward {
            Direction::CoarseToFine => Direction::FineToCoarse,
            Direction::FineToCoarse => Direction::CoarseToFine,
        })?;
        let allowed = if chosen.is_some() { asked } else { limit };
        let own = WeightGradient::new(&coupling, isa, layout).map(|plan| plan.within(limit));
        let (to_dw, dw_bytes) = match own {
            _ if none || chosen == Some(Algorithm::Direct) => (GradientRoute::Direct, copies),
            Some(plan)
                if chosen != Some(Algorithm::ColumnGemm) && plan.workspace(threads) <= allowed =>
            {
                let bytes = plan.workspace(threads);
                (GradientRoute::Own(Box::new(plan)), bytes)
            }
            _ if column_bytes <= allowed => (GradientRoute::ColumnGemm(blocks), column_bytes),
            _ => (GradientRoute::Direct, copies),
        };
        let diagonal = match options.algorithm {
            None | Some(Algorithm::Depthwise) => {
                let diagonal = Diagonal::new(&coupling, forward, isa, layout);
                let diagonal = diagonal.map(|diagonal| diagonal.within(limit));
                diagonal.filter(|diagonal| diagonal.bytes(threads) <= limit)
            }
            Some(_) => None,
        };
        let diagonal_bytes = diagonal.as_ref().map_or(0, |diagonal| diagonal.bytes(threads));
        let y_bytes = match &fast {
            Some(fast) if fast.packs() => fast.workspace(threads),
            Some(fast) => y_bytes.max(fast.workspace(threads)),
            None => y_bytes,
        };
        let workspace = y_bytes.max(dx_bytes).max(dw_bytes).max(diagonal_bytes);
        Ok(Self {
            coupling,
            forward,
            shapes,
            isa,
            layout,
            to_y,
            to_dx,
            fast,
            diagonal,
            to_dw,
            workspace,
        })
    }

    pub(crate) fn algorithm(&self) -> Algorithm {
        match &self.fast {
            Some(_) => Algorithm::Winograd,
            None => self.to_y.algorithm(),
        }
    }

    pub(crate) fn isa(&self) -> crate::Isa {
        self.isa.isa()
    }

    pub(crate) fn layout(&self) -> Layout {
        self.layout
    }

    pub(crate) fn workspace(&self) -> usize {
        self.workspace
    }

    pub(crate) fn pack(&self, weight: &[f32]) -> Result<PackedWeight> {
        check_len("weight", weight, &self.shapes.weight)?;
        if let Some(diagonal) = self.diagonal_of(weight) {
            let values = Aligned::from(&diagonal[..]);
            return Ok(PackedWeight { values, algorithm: Algorithm::Depthwise });
        }
        let values = match (&self.fast, &self.to_y) {
            (Some(fast), _) => fast.pack(weight),
            (None, Route::Phases(plan)) => plan.pack(weight),
            (None, _) => Aligned::from(weight),
        };
        Ok(PackedWeight { values, algorithm: self.algorithm() })
    }

    /// What stands on the diagonal of a dense weight, if nothing stands beside it.
    fn diagonal_of(&self, weight: &[f32]) -> Option<Vec<f32>> {
        self.diagonal.as_ref()?;
        depthwise::diagonal(weight, self.coupling.coarse_channels, self.coupling.taps)
    }

    pub(crate) fn forward(
        &self,
        x: &[f32],
        weight: &[f32],
        epilogue: Epilogue<'_>,
        y: &mut [f32],
    ) -> Result<()> {
        check_len("weight", weight, &self.shapes.weight)?;
        self.check_forward(x, epilogue, y)?;
        if let (Some(plans), Some(diagonal)) = (&self.diagonal, self.diagonal_of(weight)) {
            plans.to_y.run(x, &diagonal, epilogue, y);
            return Ok(());
        }
        match (&self.fast, &self.to_y) {
            (Some(fast), _) if fast.packs() => fast.run_unpacked(x, weight, epilogue, y),
            (_, Route::Phases(plan)) => plan.run_unpacked(x, weight, epilogue, y),
            (_, route) => self.plain(route, self.forward, x, weight, epilogue, y),
        }
        Ok(())
    }

    pub(crate) fn forward_packed(
        &self,
        x: &[f32],
        weight: &PackedWeight,
        epilogue: Epilogue<'_>,
        y: &mut [f32],
    ) -> Result<()> {
        self.check_forward(x, epilogue, y)?;
        let (values, weights) = (&weight.values, self.shapes.weight.iter().product());
        if weight.algorithm != self.algorithm() {
            let Some(diagonal) =
                self.diagonal.as_ref().filter(|_| weight.algorithm == Algorithm::Depthwise)
            else {
                let reason = "is packed for another plan; pack it with this one";
                return Err(KernelError::Unsupported { option: "packed weight", reason });
            };
            let needed = self.coupling.coarse_channels * self.coupling.taps;
            check_len("packed weight", values, &[needed])?;
            diagonal.to_y.run(x, values, epilogue, y);
            return Ok(());
        }
        match (&self.fast, &self.to_y) {
            (Some(fast), _) => {
                check_len("packed weight", values, &[fast.packed_len()])?;
                fast.run(x, values, epilogue, y);
            }
            (None, Route::Phases(plan)) => {
                check_len("packed weight", values, &[plan.packed_len()])?;
                plan.run(x, values, epilogue, y);
            }
            (None, route) => {
                check_len("packed weight", values, &[weights])?;
                self.plain(route, self.forward, x, values, epilogue, y);
            }
        }
        Ok(())
    }

    fn check_forward(&self, x: &[f32], epilogue: Epilogue<'_>, y: &[f32]) -> Result<()> {
        check_len("x", x, &self.shapes.x)?;
        check_len("output", y, &self.shapes.y)?;
        match epilogue.bias {
            Some(bias) => check_len("bias", bias, &[self.shapes.out_channels]),
            None => Ok(()),
        }
    }

    pub(crate) fn backward(
        &self,
        x: &[f32],
        weight: &[f32],
        dy: &[f32],
        into: Gradients<'_>,
    ) -> Result<()> {
        check_len("x", x, &self.shapes.x)?;
        check_len("weight", weight, &self.shapes.weight)?;
        check_len("dy", dy, &self.shapes.y)?;
        if let Some(dx) = &into.x {
            check_len("dx", dx, &self.shapes.x)?;
        }
        if let Some(dw) = &into.weight {
            check_len("dw", dw, &self.shapes.weight)?;
        }
        if let Some(db) = &into.bias {
            check_len("db", db, &[self.shapes.out_channels])?;
        }
        if let Some(dx) = into.x {
            let back = match self.forward {
                Direction::CoarseToFine => Direction::FineToCoarse,
                Direction::FineToCoarse => Direction::CoarseToFine,
            };
            let none = Epilogue::default();
            match (&self.diagonal, self.diagonal_of(weight), &self.to_dx) {
                (Some(plans), Some(diagonal), _) => plans.to_dx.run(dy, &diagonal, none, dx),
                (_, _, Route::Phases(plan)) => plan.run_unpacked(dy, weight, none, dx),
                (_, _, route) => self.plain(route, back, dy, weight, none, dx),
            }
        }
        if let Some(dw) = into.weight {
            let sides = |x, dy| match self.forward {
                Direction::CoarseToFine => (x, dy),
                Direction::FineToCoarse => (dy, x),
            };
            if let GradientRoute::Own(plan) = &self.to_dw {
                let (coarse, fine) = sides(x, dy);
                plan.run(coarse, fine, dw);
            } else {
                let (x, dy) = (self.nchw(x, &self.shapes.x), self.nchw(dy, &self.shapes.y));
                let (coarse, fine) = sides(&x, &dy);
                let op = ToWeight { coarse, fine, weight: dw };
                match &self.to_dw {
                    GradientRoute::ColumnGemm(blocks) => {
                        column_gemm::to_weight(&self.coupling, blocks, self.isa, op);
                    }
                    _ => direct::to_weight(&self.coupling, op),
                }
            }
        }
        if let Some(db) = into.bias {
            let cells = match self.forward {
                Direction::CoarseToFine => self.coupling.fine_cells,
                Direction::FineToCoarse => self.coupling.coarse_cells,
            };
            sum_channels(self.layout, dy, db, cells);
        }
        Ok(())
    }

    /// One direction by an algorithm that takes weights as they are.
    fn plain(
        &self,
        route: &Route,
        direction: Direction,
        from: &[f32],
        weight: &[f32],
        epilogue: Epilogue<'_>,
        to: &mut [f32],
    ) {
        if let Route::Depthwise(plan) = route {
            return plan.run(from, weight, epilogue, to);
        }
        // The others know NCHW only.
        let (from_shape, to_shape) = match direction == self.forward {
            true => (&self.shapes.x, &self.shapes.y),
            false => (&self.shapes.y, &self.shapes.x),
        };
        let from = self.nchw(from, from_shape);
        let mut copy = match self.layout {
            Layout::Nchw => Vec::new(),
            Layout::Nhwc => vec![0.0; to.len()],
        };
        let out = if self.layout == Layout::Nchw { &mut *to } else { &mut copy[..] };
        let (c, bias) = (&self.coupling, epilogue.bias);
        match direction {
            Direction::CoarseToFine => {
                let op = CoarseToFine { coarse: &from, weight, bias, fine: out };
                match route {
                    Route::ColumnGemm(blocks) => {
                        column_gemm::coarse_to_fine(c, blocks, self.isa, op)
                    }
                    _ => direct::coarse_to_fine(c, op),
                }
            }
            Direction::FineToCoarse => {
                let op = FineToCoarse { fine: &from, weight, bias, coarse: out };
                match route {
                    Route::ColumnGemm(blocks) => {
                        column_gemm::fine_to_coarse(c, blocks, self.isa, op)
                    }
                    _ => direct::fine_to_coarse(c, op),
                }
            }
        }
        self.isa.run(Activate { activation: epilogue.activation, values: out });
        if self.layout == Layout::Nhwc {
            turn(self.isa, &copy, extent(to_shape, Layout::Nchw), to);
        }
    }

    /// In the order NCHW: the tensor itself, or a copy.
    fn nchw<'a>(&self, tensor: &'a [f32], shape: &[usize]) -> Cow<'a, [f32]> {
        match self.layout {
            Layout::Nchw => Cow::Borrowed(tensor),
            Layout::Nhwc => {
                let mut copy = vec![0.0; tensor.len()];
                turn(self.isa, tensor, extent(shape, Layout::Nhwc), &mut copy);
                Cow::Owned(copy)
            }
        }
    }
}

/// The extent of a tensor whose shape in the order NHWC is given, and that lies in `layout`.
fn extent(shape: &[usize], layout: Layout) -> Extent {
    let channels = shape.last().copied().unwrap_or(1);
    let cells = shape[1..shape.len() - 1].iter().product();
    Extent { batch: shape[0], channels, cells, layout }
}

impl Diagonal {
    /// `None` if the weight is not square, or too long to look at.
    fn new(c: &Coupling, forward: Direction, isa: Detected, layout: Layout) -> Option<Self> {
        let channels = c.coarse_channels;
        if c.groups != 1 || channels < 2 || channels != c.fine_channels {
            return None;
        }
        let each = Coupling { groups: channels, coarse_channels: 1, fine_channels: 1, ..c.clone() };
        let back = match forward {
            Direction::CoarseToFine => Direction::FineToCoarse,
            Direction::FineToCoarse => Direction::CoarseToFine,
        };
        let plan = |direction| DepthwisePlan::new(&each, direction, isa, layout);
        Some(Self { to_y: plan(forward)?, to_dx: plan(back)? })
    }

    fn within(self, limit: usize) -> Self {
        Self { to_y: self.to_y.within(limit), to_dx: self.to_dx.within(limit) }
    }

    fn bytes(&self, threads: usize) -> usize {
        self.to_y.workspace(threads).max(self.to_dx.workspace(threads))
    }
}

/// Sums every channel over batch and cells, in f64.
fn sum_channels(layout: Layout, dy: &[f32], sums: &mut [f32], cells: usize) {
    let channels = sums.len();
    if layout == Layout::Nhwc {
        let mut all = vec![0.0f64; channels];
        for cell in dy.chunks_exact(channels.max(1)) {
            all.iter_mut().zip(cell).for_each(|(sum, &v)| *sum += f64::from(v));
        }
        sums.iter_mut().zip(all).for_each(|(sum, all)| *sum = all as f32);
        return;
    }
    let sum = |channel: usize| {
        let planes = dy.chunks_exact(cells.max(1)).skip(channel).step_by(channels);
        planes.map(sum_plane).sum::<f64>() as f32
    };
    if dy.len() < SMALL {
        sums.iter_mut().enumerate().for_each(|(channel, s)| *s = sum(channel));
    } else {
        sums.par_iter_mut().enumerate().for_each(|(channel, s)| *s = sum(channel));
    }
}

/// Below so many values other threads are not woken to add them up.
const SMALL: usize = 1 << 16;

/// In eight sums, which registers hold side by side.
fn sum_plane(plane: &[f32]) -> f64 {
    let chunks = plane.chunks_exact(8);
    let rest: f64 = chunks.remainder().iter().map(|&v| f64::from(v)).sum();
    let mut sums = [0.0f64; 8];
    for chunk in chunks {
        sums.iter_mut().zip(chunk).for_each(|(sum, &v)| *sum += f64::from(v));
    }
    sums.into_iter().sum::<f64>() + rest
}
