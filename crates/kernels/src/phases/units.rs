//! Registers of outputs that lie side by side.

use super::Parts;
use super::jobs::Group;
use super::steps::cut;
use crate::simd::Detected;

/// What lies side by side in a register.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    /// The x phases of an output channel, as they lie in NCHW.
    XPhases,
    /// Output channels and, where there is room, those of the next x phase, as they lie in NHWC.
    Cells,
    /// Output channels of one x phase, which are turned when they are stored: for NCHW.
    Channels,
}

/// A register of outputs.
#[derive(Clone, Debug)]
pub(super) struct Unit {
    pub(super) outer_phase: usize,
    pub(super) spans: Vec<Span>,
}

/// Lanes that lie side by side in the output.
#[derive(Clone, Copy, Debug)]
pub(super) struct Span {
    pub(super) lane: usize,
    pub(super) length: usize,
    pub(super) channel: usize,
    /// Where it begins among the outputs of its channel (x phase), or else among those of all channels (x
    /// phase times channels, plus channel).
    pub(super) first: usize,
}

/// The units of every group of phases.
#[derive(Clone, Debug)]
pub(super) struct Units {
    /// Positions of a tile.
    pub(super) height: usize,
    /// Most units of a tile.
    pub(super) vectors: usize,
    pub(super) groups: Vec<Vec<Unit>>,
    /// Outputs that lie side by side for each x phase: 1, or the channels.
    pub(super) per_phase: usize,
    pub(super) order: Order,
}

impl Units {
    pub(super) fn new(parts: &Parts, order: Order) -> Self {
        let height = match parts.isa.lanes() {
            16 => 8,
            _ => 4,
        };
        let per_phase = match order {
            Order::XPhases => 1,
            Order::Cells | Order::Channels => parts.out_channels,
        };
        let groups = parts.products.groups.iter().map(|group| units(parts, group, order)).collect();
        Self { height, vectors: parts.isa.vectors(height), groups, per_phase, order }
    }

    /// The share of lanes that are not empty.
    pub(super) fn filled(&self, isa: Detected) -> f64 {
        let units = self.groups.iter().flatten();
        let used: usize = units.clone().flat_map(|u| &u.spans).map(|span| span.length).sum();
        used as f64 / (units.count() * isa.lanes()).max(1) as f64
    }

    /// Output channels that fill a tile: a task takes a multiple of them.
    pub(super) fn channels_together(&self, parts: &Parts) -> usize {
        if self.order == Order::Channels {
            return parts.isa.lanes();
        }
        let most = parts.products.groups.iter().map(|group| group.x_phases).min().unwrap_or(1);
        (parts.isa.lanes() / most.max(1)).max(1) * self.vectors
    }

    pub(super) fn group_values(&self, parts: &Parts, group: usize) -> usize {
        let steps = parts.products.groups[group].shifts * parts.in_channels;
        self.groups[group].len() * steps * parts.isa.lanes()
    }

    /// Values of the packed weight of one group of channels.
    pub(super) fn weight_values(&self, parts: &Parts) -> usize {
        (0..self.groups.len()).map(|group| self.group_values(parts, group)).sum()
    }
}

impl Unit {
    /// Lane, output channel and x phase of every output.
    pub(super) fn lanes(&self, per_phase: usize) -> impl Iterator<Item = (usize, usize, usize)> {
        self.spans.iter().flat_map(move |span| {
            (0..span.length).map(move |n| {
                let at = span.first + n;
                let channel = if per_phase == 1 { span.channel } else { at % per_phase };
                (span.lane + n, channel, at / per_phase)
            })
        })
    }
}

fn units(parts: &Parts, group: &Group, order: Order) -> Vec<Unit> {
    let lanes = parts.isa.lanes();
    let (x_phases, channels) = (group.x_phases, parts.out_channels);
    let mut units = Vec::new();
    // Registers of whole cells: those of the same channels follow one another, so that their weights are turned
    // together.
    let turned = order == Order::Channels || channels.is_multiple_of(lanes);
    let blocks: Vec<_> = match order {
        Order::Channels | Order::Cells if turned => cut(0..channels, lanes).collect(),
        _ => vec![0..channels],
    };
    let outer_phases =
        blocks.iter().flat_map(|block| (0..group.outer_phases).map(move |n| (block, n)));
    for (block, outer_phase) in outer_phases {
        let mut push = |spans| units.push(Unit { outer_phase, spans });
        match order {
            Order::Channels | Order::Cells if turned => {
                for x in 0..x_phases {
                    let (channel, length) = (block.start, block.len());
                    push(vec![Span { lane: 0, length, channel, first: x * channels + channel }]);
                }
            }
            Order::Cells | Order::Channels => {
                // With several groups of channels the next x phase does not begin where one ends.
                let whole = if parts.groups == 1 { x_phases * channels } else { channels };
                for first in cut(0..x_phases * channels, lanes) {
                    let mut spans: Vec<Span> = Vec::new();
                    for at in first.clone() {
                        match spans.last_mut() {
                            Some(span) if at % whole != 0 => span.length += 1,
                            _ => spans.push(Span {
                                lane: at - first.start,
                                length: 1,
                                channel: at % channels,
                                first: at,
                            }),
                        }
                    }
                    push(spans);
                }
            }
            Order::XPhases if x_phases >= lanes => {
                for first in cut(0..x_phases, lanes) {
                    for channel in 0..channels {
                        let (length, first) = (first.len(), first.start);
                        push(vec![Span { lane: 0, length, channel, first }]);
                    }
                }
            }
            Order::XPhases => {
                for several in cut(0..channels, lanes / x_phases.max(1)) {
                    let span = |channel| Span {
                        lane: (channel - several.start) * x_phases,
                        length: x_phases,
                        channel,
                        first: 0,
                    };
                    push(several.clone().map(span).collect());
                }
            }
        }
    }
    units
}
