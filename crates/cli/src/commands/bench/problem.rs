//! A workload made ready: its plan and its buffers, run as often as wanted.

use std::fmt;

use upconv_kernels::{
    Algorithm, Aligned, ConvPlan, ConvTransposePlan, Epilogue, Gradients, Isa, KernelError,
    PackedWeight, PlanOptions,
};

use super::values::{self, Order, Seed};
use super::workload::{Shape, Workload};

/// What is run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// The forward pass, with weights packed before.
    Forward,
    /// The forward pass and all gradients, with weights that are new each time.
    ForwardBackward,
}

impl Mode {
    /// The word in JSON and on the command line.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Forward => "fwd",
            Self::ForwardBackward => "fwdbwd",
        }
    }

    /// Floating-point operations relative to the forward pass.
    pub(crate) fn factor(self) -> u128 {
        match self {
            Self::Forward => 1,
            Self::ForwardBackward => 3,
        }
    }
}

/// Why a workload cannot be made ready.
#[derive(Debug)]
pub(crate) enum Refusal {
    Kernel(KernelError),
    Memory { tensor: &'static str, cells: usize },
}

impl From<KernelError> for Refusal {
    fn from(error: KernelError) -> Self {
        Self::Kernel(error)
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Kernel(error) => error.fmt(f),
            Self::Memory { tensor, cells } => {
                write!(f, "there is no memory for the {cells} numbers of {tensor}")
            }
        }
    }
}

/// A plan of either operation.
#[derive(Debug)]
enum Plan {
    Transposed(ConvTransposePlan),
    Forward(ConvPlan),
}

/// Runs the same call on the plan of either operation.
macro_rules! on_plan {
    ($plan:expr, $name:ident => $call:expr) => {
        match $plan {
            Plan::Transposed($name) => $call,
            Plan::Forward($name) => $call,
        }
    };
}

/// Sums over the output in NCHW order, in f64, that two programs must agree on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Sums {
    /// Of `y[i]`.
    pub(crate) sum: f64,
    /// Of `|y[i]|`.
    pub(crate) abs: f64,
    /// Of `y[i] * (i mod 11 - 5)`.
    pub(crate) pos: f64,
}

impl Sums {
    /// Over a tensor that lies in an order.
    pub(super) fn of(y: &[f32], order: Order) -> Self {
        let mut sums = Self { sum: 0.0, abs: 0.0, pos: 0.0 };
        for i in 0..y.len() {
            let v = f64::from(y[order.place(i)]);
            sums.sum += v;
            sums.abs += v.abs();
            sums.pos += v * ((i % 11) as f64 - 5.0);
        }
        sums
    }
}

/// Gradients, and the one that comes in.
#[derive(Debug)]
struct Backward {
    dy: Aligned,
    dx: Aligned,
    dw: Aligned,
    db: Option<Aligned>,
}

/// A workload with everything that a run needs.
#[derive(Debug)]
pub(crate) struct Problem {
    plan: Plan,
    order_of_y: Order,
    x: Aligned,
    weight: Aligned,
    bias: Option<Aligned>,
    y: Aligned,
    packed: Option<PackedWeight>,
    backward: Option<Backward>,
}

impl Problem {
    /// Plans for `shape`, which is that of `workload`, and fills the tensors.
    ///
    /// # Errors
    /// What the plan refuses; no memory.
    pub(crate) fn new(
        workload: &Workload,
        shape: &Shape,
        options: &PlanOptions,
    ) -> Result<Self, Refusal> {
        let plan = match shape {
            Shape::Transposed(shape) => Plan::Transposed(ConvTransposePlan::new(shape, options)?),
            Shape::Forward(shape) => Plan::Forward(ConvPlan::new(shape, options)?),
        };
        let mut x = zeros("x", &shape.x())?;
        let order = Order::new(options.layout, &shape.x());
        (0..x.len()).for_each(|i| x[order.place(i)] = values::value(Seed::Input, i));
        let mut weight = zeros("weight", &shape.weight())?;
        values::fill_weight(workload.weights, &shape.weight(), workload.groups, &mut weight);
        let bias = match workload.bias {
            true => {
                let mut bias = zeros("bias", &[workload.out_channels])?;
                values::fill(Seed::Bias, &mut bias);
                Some(bias)
            }
            false => None,
        };
        let y = zeros("output", &shape.y())?;
        let order_of_y = Order::new(options.layout, &shape.y());
        Ok(Self { plan, order_of_y, x, weight, bias, y, packed: None, backward: None })
    }

    pub(crate) fn algorithm(&self) -> Algorithm {
        on_plan!(&self.plan, plan => plan.algorithm())
    }

    pub(crate) fn isa(&self) -> Isa {
        on_plan!(&self.plan, plan => plan.isa())
    }

    pub(crate) fn workspace_bytes(&self) -> usize {
        on_plan!(&self.plan, plan => plan.workspace_bytes())
    }

    /// Does, untimed, what a mode needs only once.
    ///
    /// # Errors
    /// No memory.
    pub(crate) fn prepare(&mut self, mode: Mode) -> Result<(), Refusal> {
        match mode {
            Mode::Forward if self.packed.is_none() => {
                self.packed = Some(on_plan!(&self.plan, plan => plan.pack(&self.weight))?);
            }
            Mode::ForwardBackward if self.backward.is_none() => {
                let mut dy = zeros("dy", &[self.y.len()])?;
                dy.fill(1.0);
                let dx = zeros("dx", &[self.x.len()])?;
                let dw = zeros("dw", &[self.weight.len()])?;
                let db = self.bias.as_ref().map(|bias| zeros("db", &[bias.len()])).transpose()?;
                self.backward = Some(Backward { dy, dx, dw, db });
            }
            Mode::Forward | Mode::ForwardBackward => {}
        }
        Ok(())
    }

    /// One run. What it does beyond the first time for its mode is what is timed.
    ///
    /// # Errors
    /// Those of [`Problem::prepare`].
    pub(crate) fn run(&mut self, mode: Mode) -> Result<(), Refusal> {
        self.prepare(mode)?;
        let Self { plan, x, weight, bias, y, packed, backward, .. } = self;
        let epilogue = Epilogue { bias: bias.as_deref(), ..Default::default() };
        match (mode, packed, backward) {
            (Mode::Forward, Some(packed), _) => {
                on_plan!(plan, plan => plan.forward_packed(x, packed, epilogue, y))?;
            }
            (Mode::ForwardBackward, _, Some(Backward { dy, dx, dw, db })) => {
                on_plan!(plan, plan => plan.forward(x, weight, epilogue.bias, y))?;
                let into = Gradients { x: Some(dx), weight: Some(dw), bias: db.as_deref_mut() };
                on_plan!(plan, plan => plan.backward(x, weight, dy, into))?;
            }
            // Prepared above.
            _ => {}
        }
        Ok(())
    }

    /// The output of a forward pass, as it lies.
    ///
    /// # Errors
    /// Those of [`Problem::run`].
    pub(crate) fn output(&mut self) -> Result<&[f32], Refusal> {
        self.run(Mode::Forward)?;
        Ok(&self.y)
    }

    /// The sums over the output of a forward pass, which must write every element.
    ///
    /// # Errors
    /// Those of [`Problem::run`].
    pub(crate) fn check(&mut self) -> Result<Sums, Refusal> {
        self.y.fill(f32::NAN);
        self.run(Mode::Forward)?;
        Ok(Sums::of(&self.y, self.order_of_y))
    }
}

/// A tensor of zeros, or an error where there is no memory for it.
fn zeros(tensor: &'static str, shape: &[usize]) -> Result<Aligned, Refusal> {
    let cells = upconv_geometry::limits::cells(tensor, shape).map_err(KernelError::from)?;
    // Written here, so that no run is the first to touch a page.
    Aligned::try_zeros(cells).map_err(|_| Refusal::Memory { tensor, cells })
}
