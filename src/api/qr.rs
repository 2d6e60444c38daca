//! Pictures that an authenticator app reads.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use qrcode::{Color, EcLevel, QrCode};

/// Pixels a module, and modules of quiet around the code (ISO/IEC 18004 asks for four).
const SCALE: usize = 6;
const QUIET: usize = 4;

/// A QR code of a text as a PNG in a `data:` URL. None for texts that no code can hold (some 2,300 octets).
pub fn data_url(text: &str) -> Option<String> {
    let code = QrCode::with_error_correction_level(text, EcLevel::M).ok()?;
    let (modules, colors) = (code.width(), code.to_colors());
    let side = (modules + 2 * QUIET) * SCALE;
    let is_dark = |x: usize, y: usize| {
        let module = |at: usize| (at / SCALE).checked_sub(QUIET).filter(|module| *module < modules);
        let (column, row) = (module(x), module(y));
        column.zip(row).is_some_and(|(column, row)| colors[row * modules + column] == Color::Dark)
    };
    let pixels: Vec<u8> =
        (0..side * side).map(|at| if is_dark(at % side, at / side) { 0 } else { 255 }).collect();
    let mut file = Vec::new();
    let side = u32::try_from(side).ok()?;
    let mut encoder = png::Encoder::new(&mut file, side, side);
    encoder.set_color(png::ColorType::Grayscale);
    encoder.write_header().ok()?.write_image_data(&pixels).ok()?;
    Some(format!("data:image/png;base64,{}", STANDARD.encode(file)))
}
