//! A screen as an SVG picture, for documentation. Runs of one style become one element, so that no gaps show; frames
//! are drawn as lines and stand for themselves.

use std::fmt::Write;

use ratatui::buffer::{Buffer, Cell};
use ratatui::style::{Color, Modifier};

use super::theme::indexed;

const WIDTH: f32 = 8.4;
const HEIGHT: f32 = 18.0;
const MARGIN: f32 = 10.0;

/// The picture of a screen. The ground is that of its last line.
pub fn svg(buffer: &Buffer, title: &str) -> String {
    let area = buffer.area;
    let ground = &buffer[(0, area.height.saturating_sub(1))];
    let base = (hex(ground.fg, "#c9d1d9"), hex(ground.bg, "#0f141b"));
    let (width, height) =
        (f32::from(area.width) * WIDTH + 2.0 * MARGIN, f32::from(area.height) * HEIGHT + 2.0 * MARGIN);
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} {height}\">\n\
         <title>{}</title>\n<rect width=\"100%\" height=\"100%\" rx=\"8\" fill=\"{}\"/>\n\
         <g font-family=\"'JetBrains Mono','DejaVu Sans Mono',Menlo,Consolas,monospace\" font-size=\"14\" xml:space=\"preserve\">\n",
        escape(title),
        base.1
    );
    for y in area.top()..area.bottom() {
        for (x, cells, text) in runs(buffer, y) {
            run(&mut out, &buffer[(x, y)], (x, y, cells), &text, &base);
        }
    }
    out.push_str("</g>\n</svg>\n");
    out
}

/// Runs of equal style in a line, of frame or of text: where, how many cells, what text.
fn runs(buffer: &Buffer, y: u16) -> Vec<(u16, u16, String)> {
    let mut runs: Vec<(u16, u16, String)> = Vec::new();
    for x in buffer.area.left()..buffer.area.right() {
        let cell = &buffer[(x, y)];
        match runs.last_mut() {
            Some((start, cells, text)) if alike(&buffer[(*start, y)], cell) => {
                *cells += 1;
                text.push_str(cell.symbol());
            }
            _ => runs.push((x, 1, cell.symbol().to_owned())),
        }
    }
    runs
}

fn alike(a: &Cell, b: &Cell) -> bool {
    a.style() == b.style() && framed(a.symbol()) == framed(b.symbol())
}

fn framed(text: &str) -> bool {
    text.chars().all(|c| frame(c).is_some())
}

fn run(out: &mut String, cell: &Cell, (x, y, cells): (u16, u16, u16), text: &str, base: &(String, String)) {
    let (mut fg, mut bg) = (hex(cell.fg, &base.0), hex(cell.bg, &base.1));
    if cell.modifier.contains(Modifier::REVERSED) {
        std::mem::swap(&mut fg, &mut bg);
    }
    let (left, top) = (MARGIN + f32::from(x) * WIDTH, MARGIN + f32::from(y) * HEIGHT);
    let length = f32::from(cells) * WIDTH;
    // Writing to a String cannot fail.
    if bg != base.1 {
        let _ = writeln!(
            out,
            "<rect x=\"{left:.1}\" y=\"{top:.1}\" width=\"{length:.1}\" height=\"{HEIGHT}\" fill=\"{bg}\" shape-rendering=\"crispEdges\"/>"
        );
    }
    if text.trim().is_empty() {
        return;
    }
    let dim = if cell.modifier.contains(Modifier::DIM) { " opacity=\"0.6\"" } else { "" };
    if framed(text) {
        lines(out, text, (left, top), &fg, dim);
        return;
    }
    let bold = if cell.modifier.contains(Modifier::BOLD) { " font-weight=\"bold\"" } else { "" };
    let line = if cell.modifier.contains(Modifier::UNDERLINED) { " text-decoration=\"underline\"" } else { "" };
    let (baseline, text) = (top + 13.5, escape(text));
    let _ = writeln!(
        out,
        "<text x=\"{left:.1}\" y=\"{baseline:.1}\" textLength=\"{length:.1}\" lengthAdjust=\"spacingAndGlyphs\" fill=\"{fg}\"{bold}{dim}{line}>{text}</text>"
    );
}

/// Where the lines of a frame's or a tree's corner or edge go, within a cell of one by one.
fn frame(c: char) -> Option<&'static [[f32; 4]]> {
    Some(match c {
        '─' => &[[0.0, 0.5, 1.0, 0.5]],
        '│' => &[[0.5, 0.0, 0.5, 1.0]],
        '╭' => &[[0.5, 0.5, 1.0, 0.5], [0.5, 0.5, 0.5, 1.0]],
        '╮' => &[[0.0, 0.5, 0.5, 0.5], [0.5, 0.5, 0.5, 1.0]],
        '╰' => &[[0.5, 0.5, 1.0, 0.5], [0.5, 0.0, 0.5, 0.5]],
        '╯' => &[[0.0, 0.5, 0.5, 0.5], [0.5, 0.0, 0.5, 0.5]],
        '├' => &[[0.5, 0.0, 0.5, 1.0], [0.5, 0.5, 1.0, 0.5]],
        '└' => &[[0.5, 0.0, 0.5, 0.5], [0.5, 0.5, 1.0, 0.5]],
        '┴' => &[[0.0, 0.5, 1.0, 0.5], [0.5, 0.0, 0.5, 0.5]],
        _ => return None,
    })
}

/// Frames are drawn as lines: glyphs of a font that is not as high as a cell would leave gaps.
fn lines(out: &mut String, text: &str, (left, top): (f32, f32), colour: &str, dim: &str) {
    let mut path = String::new();
    for (at, c) in (0u16..).zip(text.chars()) {
        for [from_x, from_y, to_x, to_y] in frame(c).unwrap_or_default() {
            let x = |part: f32| left + (f32::from(at) + part) * WIDTH;
            let y = |part: f32| top + part * HEIGHT;
            let _ = write!(path, "M{:.1} {:.1}L{:.1} {:.1}", x(*from_x), y(*from_y), x(*to_x), y(*to_y));
        }
    }
    let _ = writeln!(out, "<path d=\"{path}\" stroke=\"{colour}\" fill=\"none\"{dim}/>");
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// A colour as SVG writes it. The sixteen named ones are as terminals commonly show them.
fn hex(colour: Color, default: &str) -> String {
    let rgb = |[r, g, b]: [u8; 3]| format!("#{r:02x}{g:02x}{b:02x}");
    let named = match colour {
        Color::Rgb(r, g, b) => return rgb([r, g, b]),
        Color::Indexed(index @ 16..) => return rgb(indexed(index)),
        Color::Black => "#0f141b",
        Color::Red => "#c0392b",
        Color::Green => "#3fa66b",
        Color::Yellow => "#c9a227",
        Color::Blue => "#3b78c2",
        Color::Magenta => "#a06cc9",
        Color::Cyan => "#3aa6b9",
        Color::Gray => "#a8b0ba",
        Color::DarkGray => "#66717f",
        Color::LightRed => "#ff7b5c",
        Color::LightGreen => "#6fd49b",
        Color::LightYellow => "#e3b341",
        Color::LightBlue => "#7cc4ff",
        Color::LightMagenta => "#d2a8ff",
        Color::LightCyan => "#7fd6e3",
        Color::White => "#f0f6fc",
        Color::Reset | Color::Indexed(_) => default,
    };
    named.to_owned()
}
