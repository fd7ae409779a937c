//! KITTI's figures of a road, in the picture and from above.

use std::path::Path;

use upconv_data::Size;
use upconv_train::metrics::birds_eye::BirdsEye;
use upconv_train::metrics::calibration::Calibration;
use upconv_train::metrics::road::RoadCounts;
use upconv_train::{Result, Scalars, TrainError};

/// Sums over pictures.
#[derive(Clone, Debug)]
pub struct RoadFigures {
    image: RoadCounts,
    /// What the road looks like from above, as long as every picture has a calibration.
    above: Option<RoadCounts>,
    /// The last camera: many pictures come from one.
    camera: Option<(Calibration, Size, BirdsEye)>,
}

impl RoadFigures {
    /// In the picture only.
    pub fn in_image() -> Self {
        Self { image: RoadCounts::new(), above: None, camera: None }
    }

    /// In the picture, and in bird's-eye view where all pictures have a calibration.
    pub fn everywhere() -> Self {
        Self { above: Some(RoadCounts::new()), ..Self::in_image() }
    }

    /// Adds a picture with the probability of road for each pixel, and its calibration file.
    ///
    /// # Errors
    /// Sizes, labels or probabilities that do not fit; a calibration that cannot be read.
    pub fn add(
        &mut self,
        p: &[f32],
        labels: &[u8],
        size: Size,
        calibration: Option<&Path>,
    ) -> Result<()> {
        self.image.add(p, labels).map_err(TrainError::model)?;
        let Some(mut above) = self.above.take() else { return Ok(()) };
        let Some(path) = calibration else { return Ok(()) };
        let view = self.seen_by(path, size)?;
        view.add(&mut above, p, labels).map_err(TrainError::model)?;
        self.above = Some(above);
        Ok(())
    }

    fn seen_by(&mut self, path: &Path, size: Size) -> Result<&BirdsEye> {
        let failed = |error: &dyn std::fmt::Display| {
            TrainError::model(format!("{}: {error}", path.display()))
        };
        let text = std::fs::read_to_string(path).map_err(|error| failed(&error))?;
        let calibration = Calibration::parse(&text).map_err(|error| failed(&error))?;
        let camera = match self.camera.take() {
            Some(camera) if (&camera.0, camera.1) == (&calibration, size) => camera,
            _ => {
                let view = BirdsEye::new(&calibration, size.height, size.width);
                (calibration, size, view.map_err(|error| failed(&error))?)
            }
        };
        Ok(&self.camera.insert(camera).2)
    }

    /// Everything, from 0 to 1; what is seen from above begins with `bev_`.
    pub fn scalars(&self) -> Scalars {
        let figures = self.image.figures();
        let mut scalars = Scalars::new()
            .with("max_f", figures.max_f)
            .with("average_precision", figures.average_precision)
            .with("precision", figures.precision)
            .with("recall", figures.recall)
            .with("false_positive_rate", figures.false_positive_rate)
            .with("false_negative_rate", figures.false_negative_rate)
            .with("best_threshold", figures.best_threshold);
        if let Some(above) = &self.above {
            let figures = above.figures();
            scalars.put("bev_max_f", figures.max_f);
            scalars.put("bev_average_precision", figures.average_precision);
        }
        scalars
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn from_above_only_with_every_calibration() {
        // A level camera 1.5 m above the road: u = 400 x / z + 320, v = 600 / z + 100; the road fills the lower half.
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("um_000000.txt");
        let text = "P2: 400 0 320 0 0 400 100 0 0 0 1 0\nR0_rect: 1 0 0 0 1 0 0 0 1\n\
                    Tr_cam_to_road: 1 0 0 0 0 1 0 -1.5 0 0 1 0\n";
        std::fs::write(&file, text).unwrap();
        let size = Size { height: 240, width: 640 };
        let labels: Vec<u8> = (0..size.pixels()).map(|at| u8::from(at / 640 >= 120)).collect();
        let p: Vec<f32> = labels.iter().map(|&label| f32::from(label)).collect();
        let mut figures = RoadFigures::everywhere();
        figures.add(&p, &labels, size, Some(&file)).unwrap();
        let scalars = figures.scalars();
        assert_eq!(scalars.get("max_f"), Some(1.0));
        assert_eq!(scalars.get("bev_max_f"), Some(1.0));
        // Rows 130 to 239 say road, and are cells 4.3 to 20 m ahead of 6 m (row 200) to 46 m (row 113): less is found than
        // in the picture, where near rows count for more.
        let far: Vec<f32> = (0..size.pixels()).map(|at| f32::from(at / 640 >= 130)).collect();
        let mut figures = RoadFigures::everywhere();
        figures.add(&far, &labels, size, Some(&file)).unwrap();
        let (image, above) = (figures.scalars().get("max_f"), figures.scalars().get("bev_max_f"));
        assert!(above < image && above > Some(0.0), "{image:?} {above:?}");
        // A picture without one: no view from above at all.
        figures.add(&p, &labels, size, None).unwrap();
        assert_eq!(figures.scalars().get("bev_max_f"), None);
        let missing = folder.path().join("none.txt");
        assert!(RoadFigures::everywhere().add(&p, &labels, size, Some(&missing)).is_err());
    }
}
