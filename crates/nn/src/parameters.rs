//! The parameters of a module by name: the path of its fields, such as `layer1.0.conv1.weight`. The variant of an enum is
//! no field: what it holds is called as the enum itself.

use std::collections::HashMap;

use burn::module::{
    Flag, Module, ModuleMapper, ModuleVisitor, Param, ParamGroup, ParamId, RunningState,
};
use burn::tensor::{Tensor, TensorData};

use crate::error::{NnError, Result};

/// Name and shape of every parameter and statistic, in the order of the fields.
///
/// ```
/// use burn::tensor::Device;
/// use upconv_nn::{layers::Conv2dConfig, parameters};
/// let conv = Conv2dConfig::new([3, 8], [5, 5]).init(&Device::flex())?;
/// assert_eq!(
///     parameters::list(&conv),
///     [("weight".into(), vec![8, 3, 5, 5]), ("bias".into(), vec![8])]
/// );
/// # Ok::<(), upconv_nn::NnError>(())
/// ```
pub fn list(module: &impl Module) -> Vec<(String, Vec<usize>)> {
    let mut visitor = Lister::default();
    module.visit(&mut visitor);
    visitor.found.into_iter().map(|(_, name, shape)| (name, shape)).collect()
}

/// Identity and name of every parameter and statistic, in the order of the fields. Identities are drawn anew whenever a
/// module is made; Burn's optimisers and gradients go by them.
pub fn identities(module: &impl Module) -> Vec<(ParamId, String)> {
    let mut visitor = Lister::default();
    module.visit(&mut visitor);
    visitor.found.into_iter().map(|(id, name, _)| (id, name)).collect()
}

/// A parameter or statistic.
#[derive(Clone, Debug, PartialEq)]
pub struct Named {
    /// The path of its fields.
    pub name: String,
    /// Cells along each axis.
    pub shape: Vec<usize>,
    /// Row-major.
    pub values: Vec<f32>,
}

/// Every parameter and statistic, in the order of the fields.
///
/// # Errors
/// Values that are not F32.
///
/// ```
/// use burn::tensor::Device;
/// use upconv_nn::{layers::BatchNormConfig, parameters};
/// let norm = BatchNormConfig::new(2).init(&Device::flex())?;
/// let last = &parameters::get(&norm)?[3];
/// assert_eq!((last.name.as_str(), &last.values[..]), ("running_var", &[1.0, 1.0][..]));
/// # Ok::<(), upconv_nn::NnError>(())
/// ```
pub fn get(module: &impl Module) -> Result<Vec<Named>> {
    let mut visitor = Getter { path: Path::default(), found: Ok(Vec::new()) };
    module.visit(&mut visitor);
    visitor.found
}

/// The module with every parameter and statistic replaced by what `values` gives for its name and shape, in
/// row-major order. What is trained stays so.
///
/// # Errors
/// Those of `values`; another number of values than the shape has.
///
/// ```
/// use burn::tensor::{Device, Tensor};
/// use upconv_nn::{layers::Conv1dConfig, parameters};
/// let conv = Conv1dConfig::new([1, 1], [2]).init(&Device::flex())?;
/// let conv = parameters::set(conv, |name, _| Ok(if name == "bias" { vec![0.5] } else { vec![1.0, 10.0] }))?;
/// let y = conv.forward(Tensor::<3>::from_floats([[[1.0, 2.0]]], &Device::flex()));
/// assert_eq!(y.into_data().try_to_vec::<f32>().unwrap(), [21.5]);
/// # Ok::<(), upconv_nn::NnError>(())
/// ```
pub fn set<M: Module>(
    module: M,
    mut values: impl FnMut(&str, &[usize]) -> Result<Vec<f32>>,
) -> Result<M> {
    replace(module, |name, shape| values(name, shape).map(Some))
}

/// As [`set`], but where `values` gives `None` a parameter stays as it is; one that was not drawn yet is not drawn.
///
/// # Errors
/// As [`set`].
pub fn replace<M: Module>(
    module: M,
    values: impl FnMut(&str, &[usize]) -> Result<Option<Vec<f32>>>,
) -> Result<M> {
    let mut setter = Setter { path: Path::default(), values, error: None };
    let module = module.map(&mut setter);
    match setter.error {
        None => Ok(module),
        Some(error) => Err(error),
    }
}

/// The module with those parameters and layers frozen of whose names `frozen` is true: parameters get no gradients, and layers
/// whose field `training` is named so, such as batch norm, do as in evaluation and keep their statistics.
///
/// ```
/// use burn::tensor::Device;
/// use upconv_nn::{layers::BatchNormConfig, parameters};
/// let norm = BatchNormConfig::new(2).init(&Device::flex().autodiff())?;
/// assert!(norm.is_training(&Device::flex().autodiff()));
/// let norm = parameters::freeze(norm, |_| true);
/// assert!(!norm.is_training(&Device::flex().autodiff()));
/// # Ok::<(), upconv_nn::NnError>(())
/// ```
pub fn freeze<M: Module>(module: M, frozen: impl Fn(&str) -> bool) -> M {
    let mut visitor = Freezer { path: Path::default(), frozen, found: Vec::new() };
    module.visit(&mut visitor);
    let group = ParamGroup::from_ids(visitor.found);
    module.freeze_group(group)
}

struct Freezer<F> {
    path: Path,
    frozen: F,
    found: Vec<ParamId>,
}

impl<F: Fn(&str) -> bool> ModuleVisitor for Freezer<F> {
    fn enter_module(&mut self, name: &str, container: &str) {
        self.path.enter(name, container);
    }

    fn exit_module(&mut self, _: &str, container: &str) {
        self.path.exit(container);
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        if (self.frozen)(&self.path.name()) {
            self.found.push(param.id);
        }
    }

    fn visit_flag(&mut self, flag: &Param<Flag>) {
        if (self.frozen)(&self.path.name()) {
            self.found.push(flag.id);
        }
    }
}

/// The names of a module's parameters, for who meets them one by one.
#[derive(Clone, Debug)]
pub struct Names(HashMap<ParamId, String>);

impl Names {
    /// Of all parameters and statistics of `module`.
    pub fn of(module: &impl Module) -> Self {
        let mut visitor = Lister::default();
        module.visit(&mut visitor);
        Self(visitor.found.into_iter().map(|(id, name, _)| (id, name)).collect())
    }

    /// The path of the layer whose parameter `field` this is, with a dot behind it unless it is the module itself.
    ///
    /// # Errors
    /// A parameter that is no part of the module.
    pub fn layer<const D: usize>(&self, parameter: &Param<Tensor<D>>, field: &str) -> Result<&str> {
        self.path(&parameter.id, field)
    }

    /// The same of a layer whose statistic `field` this is, as of one that has no parameters.
    ///
    /// # Errors
    /// A statistic that is no part of the module.
    pub fn layer_of<const D: usize>(
        &self,
        statistic: &RunningState<Tensor<D>>,
        field: &str,
    ) -> Result<&str> {
        let own = identities(statistic);
        self.path(own.first().map_or(&ParamId::from(0), |(id, _)| id), field)
    }

    fn path(&self, id: &ParamId, field: &str) -> Result<&str> {
        let name = self.0.get(id).and_then(|name| name.strip_suffix(field));
        name.ok_or_else(|| NnError::Setting {
            setting: "layer",
            reason: format!("its {field} is no part of the module that is recorded"),
        })
    }
}

/// Where in a module a visitor is.
#[derive(Default)]
struct Path(Vec<String>);

impl Path {
    /// `container` is Burn's word for what has the field: its kind, a colon and its name.
    fn enter(&mut self, field: &str, container: &str) {
        if !container.starts_with("Enum:") {
            self.0.push(field.into());
        }
    }

    fn exit(&mut self, container: &str) {
        if !container.starts_with("Enum:") {
            self.0.pop();
        }
    }

    fn name(&self) -> String {
        self.0.join(".")
    }
}

#[derive(Default)]
struct Lister {
    path: Path,
    found: Vec<(ParamId, String, Vec<usize>)>,
}

impl ModuleVisitor for Lister {
    fn enter_module(&mut self, name: &str, container: &str) {
        self.path.enter(name, container);
    }

    fn exit_module(&mut self, _: &str, container: &str) {
        self.path.exit(container);
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        self.found.push((param.id, self.path.name(), param.lazy_shape().to_vec()));
    }
}

struct Getter {
    path: Path,
    found: Result<Vec<Named>>,
}

impl ModuleVisitor for Getter {
    fn enter_module(&mut self, name: &str, container: &str) {
        self.path.enter(name, container);
    }

    fn exit_module(&mut self, _: &str, container: &str) {
        self.path.exit(container);
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let Ok(found) = &mut self.found else { return };
        let value = param.val();
        let shape = value.dims().to_vec();
        match value.into_data().try_to_vec::<f32>() {
            Ok(values) => found.push(Named { name: self.path.name(), shape, values }),
            Err(_) => {
                let got = param.val().dtype();
                self.found = Err(NnError::Dtype { tensor: "a parameter", got });
            }
        }
    }
}

struct Setter<F> {
    path: Path,
    values: F,
    error: Option<NnError>,
}

impl<F: FnMut(&str, &[usize]) -> Result<Option<Vec<f32>>>> ModuleMapper for Setter<F> {
    fn enter_module(&mut self, name: &str, container: &str) {
        self.path.enter(name, container);
    }

    fn exit_module(&mut self, _: &str, container: &str) {
        self.path.exit(container);
    }

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        if self.error.is_some() {
            return param;
        }
        let (name, shape) = (self.path.name(), param.lazy_shape());
        let expected: usize = shape.iter().product();
        let values = match (self.values)(&name, &shape) {
            Ok(None) => return param,
            Ok(Some(values)) if values.len() == expected => values,
            Ok(Some(values)) => {
                let (shape, got) = (shape.to_vec(), values.len());
                let reason = format!("{name} of shape {shape:?} has {expected} values, not {got}");
                self.error = Some(NnError::Setting { setting: "values", reason });
                return param;
            }
            Err(error) => {
                self.error = Some(error);
                return param;
            }
        };
        let device = param.lazy_device();
        let trained = param.is_require_grad() && device.is_autodiff();
        let tensor = Tensor::from_data(TensorData::new(values, shape), &device);
        Param::initialized(param.id, tensor.set_require_grad(trained))
    }
}

#[cfg(all(test, feature = "train"))]
mod tests {
    use burn::module::Module;
    use burn::tensor::{Device, Tensor};

    use super::{get, identities, list, replace, set};
    use crate::layers::{BatchNorm, BatchNormConfig, Linear, LinearConfig};

    #[derive(Module, Debug)]
    enum Either {
        Norm(BatchNorm),
        Linear(Linear),
    }

    #[derive(Module, Debug)]
    struct Both {
        parts: Vec<Either>,
    }

    #[test]
    fn variants_are_no_part_of_names_and_some_parameters_stay() {
        let device = Device::flex();
        let norm = Either::Norm(BatchNormConfig::new(1).init(&device).unwrap());
        let linear = Either::Linear(LinearConfig::new(1, 1).init(&device).unwrap());
        let both = Both { parts: vec![norm, linear] };
        let names: Vec<String> = list(&both).into_iter().map(|(name, _)| name).collect();
        assert_eq!(names[..2], ["parts.0.gamma", "parts.0.beta"]);
        assert_eq!(names[4..], ["parts.1.weight", "parts.1.bias"]);
        let some = |name: &str, _: &[usize]| Ok((name == "parts.1.weight").then(|| vec![5.0]));
        let both = replace(both, some).unwrap();
        let values: Vec<f32> = get(&both).unwrap().iter().map(|p| p.values[0]).collect();
        assert_eq!(values[..5], [1.0, 0.0, 0.0, 1.0, 5.0]);
    }

    #[test]
    fn what_is_set_is_still_trained() {
        let norm = BatchNormConfig::new(1).init(&Device::flex().autodiff()).unwrap();
        let before = identities(&norm);
        let norm = set(norm, |name, _| Ok(vec![if name == "gamma" { 3.0 } else { 1.0 }])).unwrap();
        assert_eq!(identities(&norm), before);
        assert_eq!(get(&norm).unwrap()[0].values, [3.0]);
        let tracked = |norm: &BatchNorm| {
            [&norm.gamma, &norm.beta].map(|p| p.as_ref().unwrap().val().is_require_grad())
        };
        assert_eq!(tracked(&norm), [true; 2]);
        let x = Tensor::<2>::from_floats([[1.0], [2.0]], &Device::flex().autodiff());
        let gradients = norm.forward(x).powi_scalar(2).sum().backward();
        assert!(norm.gamma.as_ref().unwrap().val().grad(&gradients).is_some());

        let frozen = norm.freeze();
        let frozen = set(frozen, |_, _| Ok(vec![1.0])).unwrap();
        assert_eq!(tracked(&frozen), [false; 2]);
    }
}
