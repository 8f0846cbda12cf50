//! What eyes make of colours: contrast, colour blindness, and how far apart two colours are.
//!
//! Each formula names its source. Colours are sRGB.

use ratatui::style::Color;

pub type Rgb = [u8; 3];
type Linear = [f64; 3];

/// Ground and text of a terminal that shows its own, as xterm with a dark ground has them.
pub const TERMINAL: (Rgb, Rgb) = ([0, 0, 0], [229, 229, 229]);

/// The first sixteen as xterm has them (its `XTerm-col.ad`).
const XTERM: [(Color, Rgb); 16] = [
    (Color::Black, [0, 0, 0]),
    (Color::Red, [205, 0, 0]),
    (Color::Green, [0, 205, 0]),
    (Color::Yellow, [205, 205, 0]),
    (Color::Blue, [0, 0, 238]),
    (Color::Magenta, [205, 0, 205]),
    (Color::Cyan, [0, 205, 205]),
    (Color::Gray, [229, 229, 229]),
    (Color::DarkGray, [127, 127, 127]),
    (Color::LightRed, [255, 0, 0]),
    (Color::LightGreen, [0, 255, 0]),
    (Color::LightYellow, [255, 255, 0]),
    (Color::LightBlue, [92, 92, 255]),
    (Color::LightMagenta, [255, 0, 255]),
    (Color::LightCyan, [0, 255, 255]),
    (Color::White, [255, 255, 255]),
];

/// A colour as it is shown; `own` is what the terminal has where nothing is said.
pub fn shown(colour: Color, own: Rgb) -> Rgb {
    match colour {
        Color::Reset => own,
        Color::Rgb(r, g, b) => [r, g, b],
        Color::Indexed(grey @ 232..) => [8 + (grey - 232) * 10; 3],
        Color::Indexed(cube @ 16..) => {
            let step = |place: u8| [0, 95, 135, 175, 215, 255][usize::from((cube - 16) / place % 6)];
            [step(36), step(6), step(1)]
        }
        Color::Indexed(own) => XTERM[usize::from(own)].1,
        named => XTERM.iter().find(|(name, _)| *name == named).unwrap().1,
    }
}

/// Linear light of sRGB, as WCAG 2.1 defines it for relative luminance.
fn linear(rgb: Rgb) -> Linear {
    rgb.map(|part| {
        let part = f64::from(part) / 255.0;
        if part <= 0.03928 { part / 12.92 } else { ((part + 0.055) / 1.055).powf(2.4) }
    })
}

/// Contrast ratio of WCAG 2.1, from 1 to 21.
pub fn contrast(one: Rgb, other: Rgb) -> f64 {
    let luminance = |rgb| {
        let [r, g, b] = linear(rgb);
        0.2126 * r + 0.7152 * g + 0.0722 * b
    };
    let (a, b): (f64, f64) = (luminance(one), luminance(other));
    (a.max(b) + 0.05) / (a.min(b) + 0.05)
}

/// Eyes that look at a colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Eyes {
    /// With all three kinds of cones.
    Usual,
    /// Without those for long waves.
    Protanopia,
    /// Without those for middle waves.
    Deuteranopia,
}

impl Eyes {
    /// What they see of linear light: Machado, Oliveira, Fernandes, "A Physiologically-based Model for Simulation of
    /// Color Vision Deficiency" (2009), severity 1.0.
    fn see(self, light: Linear) -> Linear {
        let matrix = match self {
            Self::Usual => [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]],
            Self::Protanopia => [
                [0.152_286, 1.052_583, -0.204_868],
                [0.114_503, 0.786_281, 0.099_216],
                [-0.003_882, -0.048_116, 1.051_998],
            ],
            Self::Deuteranopia => [
                [0.367_322, 0.860_646, -0.227_968],
                [0.280_085, 0.672_501, 0.047_413],
                [-0.011_820, 0.042_940, 0.968_881],
            ],
        };
        matrix.map(|row| dot(row, light).clamp(0.0, 1.0))
    }
}

fn dot(a: [f64; 3], b: [f64; 3]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// How far apart two colours are for these eyes, in units of CIEDE2000. Two is about what is just seen side by side.
pub fn distance(one: Rgb, other: Rgb, eyes: Eyes) -> f64 {
    let seen = |rgb| lab(eyes.see(linear(rgb)));
    ciede2000(seen(one), seen(other))
}

/// CIE L*a*b* of linear sRGB (IEC 61966-2-1 primaries, white D65).
fn lab(light: Linear) -> [f64; 3] {
    let xyz = [[0.412_456, 0.357_576, 0.180_438], [0.212_673, 0.715_152, 0.072_175], [0.019_334, 0.119_192, 0.950_304]];
    let [x, y, z] = xyz.map(|row| dot(row, light));
    let f = |t: f64| if t > 216.0 / 24389.0 { t.cbrt() } else { (24389.0 / 27.0 * t + 16.0) / 116.0 };
    let (x, y, z) = (f(x / 0.950_47), f(y), f(z / 1.088_83));
    [116.0 * y - 16.0, 500.0 * (x - y), 200.0 * (y - z)]
}

/// Sharma, Wu, Dalal, "The CIEDE2000 Color-Difference Formula" (2005).
fn ciede2000([l1, a1, b1]: [f64; 3], [l2, a2, b2]: [f64; 3]) -> f64 {
    let seventh = |c: f64| (c.powi(7) / (c.powi(7) + 25.0_f64.powi(7))).sqrt();
    let stretch = 1.5 - 0.5 * seventh(f64::midpoint(a1.hypot(b1), a2.hypot(b2)));
    let (a1, a2) = (a1 * stretch, a2 * stretch);
    let (c1, c2) = (a1.hypot(b1), a2.hypot(b2));
    let hue = |a: f64, b: f64| b.atan2(a).to_degrees().rem_euclid(360.0);
    let (h1, h2) = (hue(a1, b1), hue(a2, b2));
    let grey = c1 * c2 == 0.0;
    let turn = if grey { 0.0 } else { (h2 - h1 + 180.0).rem_euclid(360.0) - 180.0 };
    let mean_hue = if grey { h1 + h2 } else { h1 + turn / 2.0 };
    let (dl, dc) = (l2 - l1, c2 - c1);
    let dh = 2.0 * (c1 * c2).sqrt() * (turn / 2.0).to_radians().sin();
    let (light, chroma) = (f64::midpoint(l1, l2), f64::midpoint(c1, c2));
    let cos = |times: f64, off: f64| (times * mean_hue + off).to_radians().cos();
    let t = 1.0 - 0.17 * cos(1.0, -30.0) + 0.24 * cos(2.0, 0.0) + 0.32 * cos(3.0, 6.0) - 0.20 * cos(4.0, -63.0);
    let sl = 1.0 + 0.015 * (light - 50.0).powi(2) / (20.0 + (light - 50.0).powi(2)).sqrt();
    let (sc, sh) = (1.0 + 0.045 * chroma, 1.0 + 0.015 * chroma * t);
    let bend = 30.0 * (-((mean_hue.rem_euclid(360.0) - 275.0) / 25.0).powi(2)).exp();
    let rotation = -(2.0 * bend).to_radians().sin() * 2.0 * seventh(chroma);
    let (dl, dc, dh) = (dl / sl, dc / sc, dh / sh);
    (dl * dl + dc * dc + dh * dh + rotation * dc * dh).sqrt()
}

mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case([0, 0, 0], [255, 255, 255], 21.0)]
    #[case([0x77, 0x77, 0x77], [255, 255, 255], 4.48)]
    #[case([10, 20, 30], [10, 20, 30], 1.0)]
    fn contrast_is_that_of_wcag(#[case] one: Rgb, #[case] other: Rgb, #[case] ratio: f64) {
        assert!((contrast(one, other) - ratio).abs() < 0.005, "{}", contrast(one, other));
    }

    /// Pairs 1, 14, 17, 25 and 30 of the paper's own table.
    #[rstest]
    #[case([50.0, 2.6772, -79.7751], [50.0, 0.0, -82.7485], 2.0425)]
    #[case([50.0, -0.001, 2.49], [50.0, 0.0011, -2.49], 4.7461)]
    #[case([50.0, 2.5, 0.0], [73.0, 25.0, -18.0], 27.1492)]
    #[case([60.2574, -34.0099, 36.2677], [60.4626, -34.1751, 39.4387], 1.2644)]
    #[case([36.4612, 47.8580, 18.3852], [36.2715, 50.5065, 21.2231], 1.4146)]
    fn differences_are_those_of_the_paper(#[case] one: [f64; 3], #[case] other: [f64; 3], #[case] difference: f64) {
        assert!((ciede2000(one, other) - difference).abs() < 0.0001, "{}", ciede2000(one, other));
    }

    #[test]
    fn blindness_leaves_greys_as_they_are_and_draws_red_and_green_together() {
        let (red, green) = ([200, 60, 60], [90, 140, 60]);
        for eyes in [Eyes::Protanopia, Eyes::Deuteranopia] {
            let grey = eyes.see([0.4; 3]);
            assert!(grey.iter().all(|part| (part - 0.4).abs() < 1e-5), "{grey:?}");
            assert!(distance(red, green, eyes) < distance(red, green, Eyes::Usual) / 2.0);
        }
    }
}
