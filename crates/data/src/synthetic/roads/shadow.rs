//! Which ground lies in shadow.

use super::skin::Skin;
use super::solid::Solid;
use super::vector::V3;

/// Side of a cell of the ground, in metres.
const CELL: f32 = 3.0;

/// Half the width and all of the length of the ground that is looked at, in cells.
const ACROSS: i32 = 25;
const ALONG: i32 = 50;

/// For each cell of the ground the solids that may shade it.
#[derive(Debug)]
pub(crate) struct Shadows<'a> {
    solids: &'a [Solid],
    sun: V3,
    cells: Vec<Vec<u16>>,
    /// For each cell the bodies of cars that the sky is hidden by.
    bodies: Vec<Vec<u16>>,
}

/// Metres around a car within which it hides the sky.
const NEAR: f32 = 0.8;

impl<'a> Shadows<'a> {
    pub(crate) fn new(solids: &'a [Solid], sun: V3) -> Self {
        let count = (2 * ACROSS * ALONG) as usize;
        let (mut cells, mut bodies) = (vec![vec![]; count], vec![vec![]; count]);
        // Solids that do not fit the index shade nothing; there are a few hundred.
        for (index, solid) in (0..=u16::MAX).zip(solids) {
            let [low, high] = solid.bounds();
            // The shadow of a point at height y begins at its foot and goes away from the sun.
            let reach = |axis: usize| -sun.0[axis] / sun.0[1].max(0.05) * high.0[1];
            note(
                &mut cells,
                index,
                [0, 2].map(|axis| {
                    let reach = reach(axis);
                    [low.0[axis] + reach.min(0.0), high.0[axis] + reach.max(0.0)]
                }),
            );
            if matches!(solid.skin, Skin::Body { .. }) {
                let around = [0, 2].map(|axis| [low.0[axis] - NEAR, high.0[axis] + NEAR]);
                note(&mut bodies, index, around);
            }
        }
        Self { solids, sun, cells, bodies }
    }

    /// The share of the sun that reaches a point of the ground: 0 in shadow.
    pub(crate) fn sunlit(&self, x: f32, z: f32) -> f32 {
        let Some(cell) = cell_of(x, z) else { return 1.0 };
        let origin = V3([x, 0.01, z]);
        let shades =
            |&index: &u16| self.solids[usize::from(index)].meet(origin, self.sun).is_some();
        if self.cells[cell].iter().any(shades) { 0.0 } else { 1.0 }
    }

    /// The share of the sky that a point of the ground sees: less under and beside cars.
    pub(crate) fn open_sky(&self, x: f32, z: f32) -> f32 {
        let Some(cell) = cell_of(x, z) else { return 1.0 };
        let hidden = |&index: &u16| {
            let away = self.solids[usize::from(index)].away(x, z);
            0.75 * (1.0 - away / NEAR).max(0.0).powi(2)
        };
        1.0 - self.bodies[cell].iter().map(hidden).fold(0.0, f32::max)
    }
}

/// The cell of a point of the ground, if it is looked at.
fn cell_of(x: f32, z: f32) -> Option<usize> {
    let (i, j) = ((x / CELL).floor() as i32, (z / CELL).floor() as i32);
    let inside = (-ACROSS..ACROSS).contains(&i) && (0..ALONG).contains(&j);
    inside.then(|| (j * 2 * ACROSS + i + ACROSS) as usize)
}

/// Notes a solid in all cells of a rectangle: from where to where it goes in x and in z.
fn note(cells: &mut [Vec<u16>], index: u16, [x, z]: [[f32; 2]; 2]) {
    let cell = |metres: f32| (metres / CELL).floor() as i32;
    for j in cell(z[0]).max(0)..=cell(z[1]).min(ALONG - 1) {
        for i in cell(x[0]).max(-ACROSS)..=cell(x[1]).min(ACROSS - 1) {
            cells[(j * 2 * ACROSS + i + ACROSS) as usize].push(index);
        }
    }
}
