//! The colours of charts. Each stands for a role; the page's styles give it the colour of the theme.

use plotters::style::RGBColor;

pub(super) const INK: RGBColor = RGBColor(1, 1, 1);
pub(super) const GRID: RGBColor = RGBColor(2, 2, 2);
pub(super) const TURNS: RGBColor = RGBColor(3, 3, 3);
pub(super) const ERRORS: RGBColor = RGBColor(4, 4, 4);
pub(super) const COST: RGBColor = RGBColor(5, 5, 5);

/// The size of a chart on screens and paper, in pixels.
pub(super) const WIDE: (u32, u32) = (760, 260);

/// The size of a chart on a phone.
pub(super) const NARROW: (u32, u32) = (340, 220);

/// The size of labels. The drawing library makes texts smaller by a quarter.
pub(super) const LABEL_SIZE: u32 = 16;
