//! Networks that give every pixel its class, on pictures of any size.
//!
//! A picture is made as many times as large as the metadata of the weights say ([`SCALE`]), its border repeated up to the
//! multiple that the network needs, and what the network says there is left out again. Pictures that are too large for
//! the memory are cut into [`tiles`].

mod shapes;
pub mod tiles;

use std::fmt;

use upconv_data::augment::resize::scaled;
use upconv_data::{Segment, Size};
use upconv_kernels::Layout;
use upconv_nn::inference::NetworkOptions;
use upconv_weights::Weights;
use upconv_weights::metadata::Input;

use crate::description::describe;
use crate::error::{ModelError, Result};
use crate::inference::Model;
use crate::picture;
pub use shapes::Shapes;
use tiles::Tiles;

/// The member of a weight file's input that says how many times as large a picture is made.
pub const SCALE: &str = "scale";

/// Most bytes of values between the layers: 8 GiB.
pub const MAX_BYTES: usize = 8 << 30;

/// How pictures are segmented.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SegmentOptions {
    /// The class that is looked for, by its label or number; of two classes the second, of more than two all but the
    /// first.
    pub class: Option<String>,
    /// The picture in parts.
    pub tiles: Option<Tiles>,
    /// Bytes, as [`Segment::bytes`] estimates them, up to which a picture is not cut although there are tiles.
    pub whole_up_to: u64,
}

/// The factor that the metadata of weights state; 1 if they state none that can be used.
pub fn scale(input: &Input) -> f64 {
    let scale = input.other.get(SCALE).and_then(serde_json::Value::as_f64);
    scale.filter(|s| (0.01..=100.0).contains(s)).unwrap_or(1.0)
}

/// Which probability of a pixel is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wanted {
    Class(usize),
    AllButFirst,
}

/// A network whose output has a score for each class of each pixel, behind the interface that the picture pipeline calls.
pub struct Segmenter<M> {
    name: String,
    shapes: Shapes<M>,
    input: Input,
    /// What height and width must be a multiple of.
    multiple: usize,
    wanted: Wanted,
    tiles: Option<Tiles>,
    whole_up_to: u64,
}

impl<M> fmt::Debug for Segmenter<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, wanted, tiles, .. } = self;
        write!(f, "Segmenter {name} for {wanted:?}, {tiles:?}")
    }
}

impl<M: Model> Segmenter<M> {
    /// The network `net` with its weights filled in; `weights` tell the rest. Its input is a multiple of `multiple`.
    ///
    /// # Errors
    /// A class that the weights do not have; tiles of a side that is no multiple.
    pub fn new(
        name: &str,
        net: M,
        multiple: usize,
        weights: &Weights,
        options: &SegmentOptions,
    ) -> Result<Self> {
        let input = weights.metadata().and_then(|metadata| metadata.input.clone());
        let input = input.unwrap_or_else(|| picture::unit([0, 0]));
        let labels = weights.metadata().and_then(|metadata| metadata.labels.clone());
        let [_, classes, ..] = crate::description::output_shape(
            &net,
            [1, input.order.channels(), tiles::STEP, tiles::STEP],
        )?;
        let wanted = wanted(name, classes, labels.as_deref(), options.class.as_deref())?;
        // Pictures have their colours side by side.
        let inside = NetworkOptions { outside: Layout::Nhwc, ..Default::default() };
        let shapes = Shapes::new(net, inside);
        let &SegmentOptions { tiles, whole_up_to, .. } = options;
        Ok(Self { name: name.into(), shapes, input, multiple, wanted, tiles, whole_up_to })
    }

    /// How an input of that size is cut, if it is.
    fn tiles(&self, size: Size) -> Option<Tiles> {
        self.tiles.filter(|_| self.whole_up_to == 0 || self.bytes_at(size) > self.whole_up_to)
    }

    /// Three times the largest map: what a layer reads, what it writes, and what waits for a later one.
    fn bytes_at(&self, Size { height, width }: Size) -> u64 {
        let [h, w] = [height, width].map(|axis| axis.next_multiple_of(self.multiple));
        let layers = describe(self.shapes.net(), [1, self.input.order.channels(), h, w]);
        let cells = |layer: &crate::Layer| layer.shape_out.iter().product::<usize>() as u64;
        let largest = layers.ok().and_then(|layers| layers.iter().map(cells).max());
        largest.unwrap_or(0).saturating_mul(3 * size_of::<f32>() as u64)
    }

    /// Probabilities of a picture, or of a part of one, that the network runs on as a whole.
    ///
    /// # Shapes
    /// `rgb: [h, w, 3] -> [h, w]`
    fn whole(&self, rgb: &[f32], size: Size, multiple: usize) -> Result<Vec<f32>> {
        let (x, [high, wide]) = picture::interleaved(&self.input, rgb, size, multiple);
        let network = self.shapes.of([1, self.input.order.channels(), high, wide])?;
        if network.arena_bytes() > MAX_BYTES {
            let gib = |bytes: usize| bytes as f64 / f64::from(1 << 30);
            let what = format!(
                "at {wide}x{high} its layers need {:.1} GiB, more than {:.0}: run it in parts (tiles)",
                gib(network.arena_bytes()),
                gib(MAX_BYTES),
            );
            return Err(ModelError::Inner { model: "segment", what });
        }
        let classes = match network.output_shapes() {
            [shape] if shape.len() == 4 && shape[2..] == [high, wide] => shape[1],
            shapes => {
                let what = format!("its output has shape {shapes:?} at {wide}x{high}");
                return Err(ModelError::Inner { model: "segment", what });
            }
        };
        let mut scores = vec![0.0; high * wide * classes];
        network.run(&[&x], &mut [&mut scores]).map_err(upconv_nn::NnError::from)?;
        let rows = scores.chunks_exact(wide * classes).take(size.height);
        let pixels = rows.flat_map(|row| row.chunks_exact(classes).take(size.width));
        Ok(pixels.map(|scores| probability(scores, self.wanted)).collect())
    }
}

impl<M: Model + Sync> Segment for Segmenter<M> {
    fn name(&self) -> &str {
        &self.name
    }

    fn input_size(&self, photo: Size) -> Size {
        scaled(photo, scale(&self.input))
    }

    fn bytes(&self, input: Size) -> u64 {
        self.bytes_at(self.tiles(input).map_or(input, |tiles| tiles.largest(input)))
    }

    fn is_cut(&self, input: Size) -> bool {
        self.tiles(input).is_some_and(|tiles| tiles.largest(input) != input)
    }

    fn probabilities(&self, rgb: &[f32], size: Size) -> std::result::Result<Vec<f32>, String> {
        let p = self.probabilities_while(rgb, size, &|| true)?;
        p.ok_or_else(|| "it gave up".into())
    }

    fn probabilities_while(
        &self,
        rgb: &[f32],
        size: Size,
        wanted: &dyn Fn() -> bool,
    ) -> std::result::Result<Option<Vec<f32>>, String> {
        if rgb.is_empty() || size.pixels().checked_mul(3) != Some(rgb.len()) {
            return Err(format!("{} values for a picture of {size} in RGB", rgb.len()));
        }
        let p = match self.tiles(size) {
            None => self.whole(rgb, size, self.multiple).map(Some),
            Some(tiles) => tiles.blend(rgb, size, |part, size| match wanted() {
                true => self.whole(part, size, tiles::STEP).map(Some),
                false => Ok(None),
            }),
        };
        p.map_err(|error| error.to_string())
    }
}

/// Softmax of a pixel's scores: the wanted part of it.
fn probability(scores: &[f32], wanted: Wanted) -> f32 {
    let highest = scores.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let of = |class: usize| (scores[class] - highest).exp();
    let sum: f32 = (0..scores.len()).map(of).sum();
    match wanted {
        Wanted::Class(class) => of(class) / sum,
        Wanted::AllButFirst => (1..scores.len()).map(of).sum::<f32>() / sum,
    }
}

fn wanted(
    name: &str,
    classes: usize,
    labels: Option<&[String]>,
    class: Option<&str>,
) -> Result<Wanted> {
    let Some(class) = class else {
        return Ok(if classes > 2 { Wanted::AllButFirst } else { Wanted::Class(classes - 1) });
    };
    let named = labels.and_then(|labels| labels.iter().position(|label| label == class));
    let numbered = || class.parse().ok().filter(|&number: &usize| number < classes);
    if let Some(class) = named.filter(|&class| class < classes).or_else(numbered) {
        return Ok(Wanted::Class(class));
    }
    let known = match labels {
        Some(labels) => labels.join(", "),
        None => "no labels in its weights".into(),
    };
    let what = format!("{name} has no class {class:?}: 0 to {} ({known})", classes - 1);
    Err(ModelError::Inner { model: "class", what })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn softmax_of_three_classes() {
        // exp: 1, 2, 5.
        let scores = [100.0, 100.0 + 2f32.ln(), 100.0 + 5f32.ln()];
        let close = |got: f32, expected: f32| assert!((got - expected).abs() < 1e-5, "{got}");
        close(probability(&scores, Wanted::Class(1)), 0.25);
        close(probability(&scores, Wanted::AllButFirst), 0.875);
    }

    #[test]
    fn classes_by_label_and_number() {
        let labels = ["background".to_owned(), "road".to_owned()];
        let find = |class| wanted("net", 2, Some(&labels), class);
        assert_eq!(find(None).unwrap(), Wanted::Class(1));
        assert_eq!(find(Some("background")).unwrap(), Wanted::Class(0));
        assert_eq!(find(Some("1")).unwrap(), Wanted::Class(1));
        assert_eq!(wanted("net", 3, None, None).unwrap(), Wanted::AllButFirst);
        let error = find(Some("rode")).unwrap_err().to_string();
        assert_eq!(error, "class: net has no class \"rode\": 0 to 1 (background, road)");
        assert!(wanted("net", 3, None, Some("3")).is_err());
    }
}
